// The builders of v0.1 on top of the core.
//
// Owns which fields each kind has. The rules of sending are the core's.

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz';
const ID_DIGITS = 6;

/** Random bytes are drawn in batches: asking for six costs as much as asking for many. */
const BATCH = 1024;
/** Bytes from here on are drawn again, so that each of the 36 digits is equally likely. */
const FAIR = 252;

function createBuilder(core, fill) {
  const pool = new Uint8Array(BATCH);
  let used = BATCH;

  function digit() {
    for (;;) {
      if (used >= BATCH) {
        fill(pool);
        used = 0;
      }
      const byte = pool[used++];
      if (byte < FAIR) return DIGITS[byte % DIGITS.length];
    }
  }

  /** A new id: the name in a-z0-9 and six random digits of 0-9a-z. */
  function generateRequestId(botname) {
    let id = `${botname.toLowerCase().replace(/[^a-z0-9]+/g, '')}-`;
    for (let count = 0; count < ID_DIGITS; count++) id += digit();
    return id;
  }

  /** Requests and broadcasts begin a conversation; without a sender there is nothing to name it by. */
  function idOr(requestId, from) {
    return requestId || (from ? generateRequestId(String(from)) : requestId);
  }

  /** Ask another bot to do something. */
  function buildRequest({ to, from, requestId, task, context, depth, callback, priority }) {
    const id = idOr(requestId, from);
    return core.build(0, { to, from, requestId: id, task, context, depth, callback, priority }, task);
  }

  /** Answer a REQUEST, a CLARIFY or a HANDOFF. */
  function buildResponse({ to, from, requestId, status, result, context, depth }) {
    return core.build(1, { to, from, requestId, status, result, context, depth }, result);
  }

  /** Ask back for what is missing. */
  function buildClarify({ to, from, requestId, question, depth }) {
    return core.build(2, { to, from, requestId, question, depth }, question);
  }

  /** Pass a request on to another bot. */
  function buildHandoff({ to, from, requestId, task, context, depth, callback, priority }) {
    return core.build(3, { to, from, requestId, task, context, depth, callback, priority }, task);
  }

  /** Tell everybody something. */
  function buildBroadcast({ from, requestId, message, context, depth }) {
    const id = idOr(requestId, from);
    return core.build(4, { to: 'all', from, requestId: id, message, context, depth }, message);
  }

  /** The depth of a reply: one step more than the message that it answers. */
  function incrementDepth(incomingDepth) {
    if (!incomingDepth || typeof incomingDepth.current !== 'number') {
      throw new Error('incrementDepth requires valid incoming depth { current, max }');
    }
    return { current: incomingDepth.current + 1, max: incomingDepth.max };
  }

  /** The parts of a block that no platform limit cuts; `limit` counts UTF-16 units. */
  function split(text, limit = 2000) {
    return core.call('split', String(text), limit);
  }

  return {
    buildRequest,
    buildResponse,
    buildClarify,
    buildHandoff,
    buildBroadcast,
    generateRequestId,
    incrementDepth,
    split,
  };
}

module.exports = { createBuilder };
