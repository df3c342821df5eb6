// Questions to the hub that wait for their answer.
//
// Owns which answer belongs to which question. The hub answers questions of one kind in order, and
// names the room or the message in most answers.

import { HubAway, HubRefusal } from "./refusal.ts";
import type { ClientFrame, ErrorFrame, ServerFrame } from "./frames.ts";

export type Question = Extract<ClientFrame, { type: "history" | "status" | "rooms" | "who" }>;
export type Answer<Q extends Question> = Extract<ServerFrame, { type: Q["type"] }>;

type Waiting = { question: Question; answer: (frame: ServerFrame) => void; fail: (error: Error) => void };

/** A hub that is alive answers within milliseconds. */
const ANSWER_MS = 10_000;

export class Asks {
  #waiting: Waiting[] = [];
  readonly #refusal: (error: ErrorFrame) => HubRefusal;

  /** `refusal` words what the hub refused. */
  constructor(refusal = (error: ErrorFrame) => new HubRefusal(error)) {
    this.#refusal = refusal;
  }

  add<Q extends Question>(question: Q): Promise<Answer<Q>> {
    return new Promise<Answer<Q>>((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting = this.#waiting.filter((it) => it !== waiting);
      };
      const waiting: Waiting = {
        question,
        answer: (frame) => (done(), resolve(frame as Answer<Q>)),
        fail: (error) => (done(), reject(error)),
      };
      const timer = setTimeout(() => waiting.fail(new HubAway(`the hub did not answer \`${question.type}\``)), ANSWER_MS);
      this.#waiting.push(waiting);
    });
  }

  answer(frame: ServerFrame): boolean {
    const found = this.#waiting.find((it) => answers(frame, it.question));
    found?.answer(frame);
    return found !== undefined;
  }

  refuse(error: ErrorFrame): boolean {
    const found = this.#waiting.find(
      ({ question }) => error.ref === question.type || (question.type === "status" && error.ref === question.id),
    );
    found?.fail(this.#refusal(error));
    return found !== undefined;
  }

  abandon(reason: string): void {
    for (const waiting of this.#waiting) waiting.fail(new HubAway(reason));
  }
}

function answers(frame: ServerFrame, question: Question): boolean {
  switch (frame.type) {
    case "history":
      return question.type === "history" && question.room.toLowerCase() === frame.room;
    case "status":
      return question.type === "status" && question.id === frame.id && (question.room ?? frame.room) === frame.room;
    case "rooms":
    case "who":
      return question.type === frame.type;
    default:
      return false;
  }
}
