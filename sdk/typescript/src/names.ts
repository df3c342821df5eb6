// Names of rooms and bots, which hubs compare without case.
//
// Owns the one form in which this client keeps them: the hub's, since that is what its frames say.

/** As the hub says it. Letters that no name has stay what they are: the hub refuses them. */
export function asHub(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The same with the names of a room and a bot as the hub says them. */
export function named<T extends object>(it: T): T {
  const { room, to } = it as { room?: unknown; to?: unknown };
  return { ...it, ...(typeof room === "string" ? { room: asHub(room) } : {}), ...(typeof to === "string" ? { to: asHub(to) } : {}) };
}
