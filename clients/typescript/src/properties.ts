/** The match's shared properties: the relay's word is the truth, also for one's own changes. */

import type { ControlRequest, Properties } from "./control.ts";
import type { WaitOptions } from "./options.ts";

export class PropertyStore {
  readonly #ask: (request: ControlRequest, options?: WaitOptions) => Promise<void>;
  readonly #values = new Map<string, unknown>();
  #version = 0;

  constructor(ask: (request: ControlRequest, options?: WaitOptions) => Promise<void>) {
    this.#ask = ask;
  }

  get version(): number {
    return this.#version;
  }

  /** Every property as it is now. */
  get values(): ReadonlyMap<string, unknown> {
    return this.#values;
  }

  get(key: string): unknown {
    return this.#values.get(key);
  }

  /**
   * Asks the relay to replace each key of `set`; null deletes. With `ifVersion` it refuses, by an
   * error with the code `version`, when someone else was first. The change shows in `values` when
   * the relay reports it.
   */
  set(set: Properties, options: { ifVersion?: number } & WaitOptions = {}): Promise<void> {
    return this.#ask({ op: "properties", set, if_version: options.ifVersion }, options);
  }

  /** @internal */
  replace(values: Properties, version: number): void {
    this.#values.clear();
    this.apply(values, version);
  }

  /** @internal */
  apply(set: Properties, version: number): void {
    for (const [key, value] of Object.entries(set)) {
      if (value === null) this.#values.delete(key);
      else this.#values.set(key, value);
    }
    this.#version = version;
  }
}
