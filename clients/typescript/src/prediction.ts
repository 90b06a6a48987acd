/**
 * Client-side prediction, for games where a host has the last word: inputs act at once here, and are
 * kept until the host's state says by their `seq` that it has taken them; then those that it has not
 * are applied again to what it says.
 *
 *     const seq = me.apply(input);                  // send it with its seq
 *     me.correct(fromHost.state, fromHost.seq);     // the last input of mine that is in it
 *     draw(me.state);
 */

/** Inputs are numbered by 16 bits, as on the wire. */
const seqMask = 0xffff;

export interface PendingInput<Input> {
  seq: number;
  input: Input;
}

export class Prediction<State, Input> {
  readonly #step: (state: State, input: Input) => State;
  readonly #pendingMax: number;
  #pending: PendingInput<Input>[] = [];
  #state: State;
  #seq = 0;
  #dropped = 0;

  /** `step` gives a new state, and changes nothing: it will be asked again. */
  constructor(state: State, step: (state: State, input: Input) => State, { pendingMax = 256 }: { pendingMax?: number } = {}) {
    this.#state = state;
    this.#step = step;
    this.#pendingMax = pendingMax;
  }

  /** The host's newest word and every input since. */
  get state(): State {
    return this.#state;
  }

  /** What the host has not taken yet, oldest first. */
  get pending(): readonly PendingInput<Input>[] {
    return this.#pending;
  }

  /** Inputs that were forgotten before the host took them: more than `pendingMax` waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Acts on an input; returns the number to send with it. */
  apply(input: Input): number {
    this.#seq = (this.#seq + 1) & seqMask;
    this.#pending.push({ seq: this.#seq, input });
    if (this.#pending.length > this.#pendingMax) {
      this.#pending.shift();
      this.#dropped += 1;
    }
    this.#state = this.#step(this.#state, input);
    return this.#seq;
  }

  /** The host's word on the own state, after the input `seq` (0: none yet). Returns the state now. */
  correct(state: State, seq: number): State {
    this.#pending = this.#pending.filter((pending) => isAfter(pending.seq, seq));
    this.#state = this.#pending.reduce((reached, { input }) => this.#step(reached, input), state);
    return this.#state;
  }
}

/** Whether `seq` comes after `other`, across the wrap. */
function isAfter(seq: number, other: number): boolean {
  return ((seq - other) & seqMask) - 1 < seqMask >> 1 && seq !== other;
}
