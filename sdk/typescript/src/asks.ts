// Questions to the hub that wait for their answer.
//
// Owns which answer belongs to which question. Answers carry no id, so that one question of a type is under
// way at a time, and the others wait their turn.

import { HubAway, HubRefusal } from "./refusal.ts";
import type { ClientFrame, ErrorFrame, ServerFrame } from "./frames.ts";

export type Question = Extract<ClientFrame, { type: "history" | "status" | "rooms" | "who" }>;
export type Answer<Q extends Question> = Extract<ServerFrame, { type: Q["type"] }>;

type Waiting = {
  question: Question;
  isUnderWay: boolean;
  /** Gone once the time is over; the answer may still come. */
  waiter?: { answer: (frame: ServerFrame) => void; fail: (error: Error) => void };
  timer: NodeJS.Timeout;
};

/** A hub that is alive answers within milliseconds. */
const ANSWER_MS = 10_000;
/** So long a question that nobody waits for any more holds back the next one of its type, whose answer the late one would be taken for. */
const LATE_MS = 30_000;
const WAITING_MAX = 256;

export class Asks {
  #waiting: Waiting[] = [];
  readonly #send: (question: Question) => boolean;
  readonly #refusal: (error: ErrorFrame) => HubRefusal;

  /** `send` says whether there is a connection; `refusal` words what the hub refused. */
  constructor(send: (question: Question) => boolean, refusal = (error: ErrorFrame) => new HubRefusal(error)) {
    this.#send = send;
    this.#refusal = refusal;
  }

  add<Q extends Question>(question: Q): Promise<Answer<Q>> {
    if (this.#waiting.length >= WAITING_MAX) return Promise.reject(new HubAway("too many questions wait for the hub"));
    return new Promise<Answer<Q>>((resolve, reject) => {
      const waiter = { answer: (frame: ServerFrame) => resolve(frame as Answer<Q>), fail: reject };
      const waiting: Waiting = { question, isUnderWay: false, waiter, timer: setTimeout(() => this.#expired(waiting), ANSWER_MS) };
      this.#waiting.push(waiting);
      this.#sendDue();
    });
  }

  answer(frame: ServerFrame): boolean {
    const found = this.#waiting.find((it) => it.isUnderWay && answers(frame, it.question));
    found?.waiter?.answer(frame);
    return this.#end(found);
  }

  refuse(error: ErrorFrame): boolean {
    const found = this.#waiting.find((it) => it.isUnderWay && isAbout(error, it.question));
    found?.waiter?.fail(this.#refusal(error));
    return this.#end(found);
  }

  abandon(reason: string): void {
    for (const waiting of this.#waiting.splice(0)) {
      clearTimeout(waiting.timer);
      waiting.waiter?.fail(new HubAway(reason));
    }
  }

  #expired(waiting: Waiting): void {
    waiting.waiter?.fail(new HubAway(`the hub did not answer \`${waiting.question.type}\``));
    if (!waiting.isUnderWay || waiting.waiter === undefined) return void this.#end(waiting);
    delete waiting.waiter;
    waiting.timer = setTimeout(() => this.#expired(waiting), LATE_MS);
  }

  #end(waiting: Waiting | undefined): boolean {
    if (waiting === undefined) return false;
    clearTimeout(waiting.timer);
    this.#waiting = this.#waiting.filter((it) => it !== waiting);
    this.#sendDue();
    return true;
  }

  #sendDue(): void {
    const busy = new Set<string>();
    for (const waiting of [...this.#waiting]) {
      const { type } = waiting.question;
      if (!waiting.isUnderWay && !busy.has(type)) waiting.isUnderWay = this.#send(waiting.question);
      if (waiting.isUnderWay || busy.has(type)) {
        busy.add(type);
        continue;
      }
      clearTimeout(waiting.timer);
      this.#waiting = this.#waiting.filter((it) => it !== waiting);
      waiting.waiter?.fail(new HubAway("there is no connection to the hub"));
    }
  }
}

function isAbout(error: ErrorFrame, question: Question): boolean {
  return error.ref === question.type || (question.type === "status" && error.ref === question.id);
}

function answers(frame: ServerFrame, question: Question): boolean {
  switch (frame.type) {
    case "history":
      return question.type === "history" && question.room === frame.room;
    case "status":
      return question.type === "status" && question.id === frame.id && (question.room ?? frame.room) === frame.room;
    case "rooms":
    case "who":
      return question.type === frame.type;
    default:
      return false;
  }
}
