// The lock beside the state file, by which processes in any language exclude each other.
//
// Owns the lock protocol of ADR 0102, letter for letter that of the `bot-hub` program:
//
// * Held: `<state>.lock` exists. It is created exclusively and says `<pid> <space> <nonce>\n`, where
//   the space names the boot and the pid namespace in which the pid means something.
// * Dead: its pid is gone in our own space; or it is older than HELD_MAX_MS; or it says nothing
//   legible and is older than TORN_MAX_MS.
// * Broken by whoever creates the marker `<state>.lock.<nonce>` exclusively, then finds the dead lock
//   unchanged. As a nonce is never used twice, nobody can break the lock of a successor. The marker
//   says who made it, and is broken like a lock when that process is dead.

const fs = require('fs');
const { randomBytes } = require('crypto');
const { setTimeout: pause } = require('timers/promises');

/** Nobody holds the lock for longer: inside are one read, one write and one fsync. */
const HELD_MAX_MS = 60_000;
/** Between creating the lock and writing one line into it. */
const TORN_MAX_MS = 2_000;
/** How long to wait for others. */
const WAIT_MAX_MS = 10_000;

/** Waits for the lock of the file `state`; call `release` of the result in any case. */
async function acquire(state) {
  const path = `${state}.lock`;
  const nonce = randomBytes(8).toString('hex');
  const line = `${process.pid} ${space()} ${nonce}\n`;
  const giveUp = Date.now() + WAIT_MAX_MS;
  for (let attempt = 0; ; attempt++) {
    if (create(path, line)) return held(state, path, line, nonce);
    const found = read(path);
    if (found === null) continue;
    if (isDead(path, found) && breakDead(state, path, found, line)) continue;
    if (Date.now() > giveUp) {
      const owner = found.split(' ')[0] || '?';
      throw new Error(`\`${path}\` is held by process ${owner}`);
    }
    // Out of step with others: 1 to 16 ms, by pid and attempt.
    await pause(1 + ((process.pid + attempt * 7) % 16));
  }
}

function held(state, path, line, nonce) {
  const isHeld = () => read(path) === line;
  return {
    /** Whether nobody took the lock for dead in the meantime. Ask before you commit. */
    isHeld,
    /** The file in which the owner of this lock writes the new state. */
    temporary: `${state}.${nonce}.tmp`,
    release() {
      if (isHeld()) fs.rmSync(path, { force: true });
    },
  };
}

/** False if the file exists. */
function create(path, line) {
  try {
    fs.writeFileSync(path, line, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Null if there is no such file. */
function read(path) {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

function fields(line) {
  const found = /^(\d+) (\S+) ([0-9A-Za-z]+)\n$/.exec(line);
  return found && { pid: Number(found[1]), space: found[2], nonce: found[3] };
}

function isDead(path, line) {
  const owner = fields(line);
  if (!owner) return isOlder(path, TORN_MAX_MS);
  return (owner.space === space() && !isAlive(owner.pid)) || isOlder(path, HELD_MAX_MS);
}

function isOlder(path, age) {
  const found = fs.statSync(path, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs > age;
}

/**
 * Removes the lock that says `found`, if it still does, and what its owner left half written. The
 * marker is a lock itself: who dies while breaking one is found dead in turn.
 */
function breakDead(state, path, found, line) {
  const nonce = fields(found)?.nonce ?? 'torn';
  const marker = `${path}.${nonce}`;
  if (!create(marker, line)) {
    const other = read(marker);
    return other !== null && isDead(marker, other) && breakDead(state, marker, other, line);
  }
  // Asked again under the marker: a torn lock has no nonce to be known by, only its age.
  const isSame = read(path) === found && isDead(path, found);
  if (isSame) {
    fs.rmSync(`${state}.${nonce}.tmp`, { force: true });
    fs.rmSync(path, { force: true });
  }
  fs.rmSync(marker, { force: true });
  return isSame;
}

/** Where a pid means something: this boot, this pid namespace; `-` where the system does not say. */
function space() {
  try {
    const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${fs.readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '-';
  }
}

/** A zombie is dead: it holds nothing, though its pid is taken. */
function isAlive(pid) {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^\s*[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1));
  } catch {
    if (fs.existsSync('/proc/self/stat')) return false;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

module.exports = { acquire };
