// Values out of a configuration that anybody may have written.
//
// Owns the sentences about what does not fit. Never throws: what is wrong is noted, and counts as not
// said.

import { isRecord } from "../client/index.js";

/** Takes values out of an object and notes what does not fit. */
export class Reader {
  readonly problems: string[];
  readonly path: string;
  readonly #values: Record<string, unknown>;

  constructor(values: Record<string, unknown>, path: string, keys: readonly string[], problems: string[] = []) {
    this.#values = values;
    this.path = path;
    this.problems = problems;
    for (const key of Object.keys(values)) {
      if (keys.includes(key)) continue;
      const near = keys.find((it) => it.toLowerCase() === key.toLowerCase());
      const hint = near === undefined ? `known are ${keys.join(", ")}` : `did you mean \`${near}\`?`;
      problems.push(`\`${path}.${key}\` is not a setting; hint: ${hint}`);
    }
  }

  take(key: string): unknown {
    return this.#values[key];
  }

  complain(key: string, value: unknown, expected: string): void {
    const shown = JSON.stringify(value)?.slice(0, 60) ?? "nothing";
    this.problems.push(`\`${this.path}.${key}\` is \`${shown}\`; hint: write ${expected}`);
  }

  text(key: string): string | undefined {
    const value = this.take(key);
    if (value === undefined || typeof value === "string") return value;
    this.complain(key, value, "a text");
    return undefined;
  }

  optionalFlag(key: string): boolean | undefined {
    const value = this.take(key);
    if (value === undefined || typeof value === "boolean") return value;
    this.complain(key, value, "`true` or `false`");
    return undefined;
  }

  flag(key: string, otherwise: boolean): boolean {
    return this.optionalFlag(key) ?? otherwise;
  }

  count(key: string): number | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isInteger(value) && value >= 1) return value;
    this.complain(key, value, "a number from 1");
    return undefined;
  }

  choice<const T extends string>(key: string, choices: readonly T[], otherwise: T): T {
    const value = this.take(key);
    if (value === undefined) return otherwise;
    const found = choices.find((it) => it === value);
    if (found === undefined) this.complain(key, value, `one of ${choices.map((it) => `\`${it}\``).join(", ")}`);
    return found ?? otherwise;
  }

  record(key: string): Record<string, unknown> {
    const value = this.take(key);
    if (value === undefined || isRecord(value)) return value ?? {};
    this.complain(key, value, "an object");
    return {};
  }

  names(key: string, read: (raw: string) => string | undefined): string[] {
    const value = this.take(key);
    if (value === undefined) return [];
    const list = Array.isArray(value) ? (value as unknown[]) : typeof value === "string" ? value.split(",") : undefined;
    if (list === undefined) this.complain(key, value, "a list of names");
    return (list ?? []).flatMap((raw) => {
      const name = typeof raw === "string" ? read(raw) : undefined;
      if (name === undefined) this.complain(key, raw, "names of letters, digits, `.`, `_` and `-`");
      return name === undefined ? [] : [name];
    });
  }
}
