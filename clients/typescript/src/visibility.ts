/**
 * Page Visibility: a hidden page asks the relay for one tick a second (`visible`, protocol.md,
 * section 5) and for all of them again when it shows.
 */

export interface Visibility {
  readonly hidden: boolean;
  /** Calls at each change, and when the network is back, until the signal is aborted. */
  watch(listener: () => void, signal: AbortSignal): void;
}

const page = globalThis.document as Document | undefined;

export const pageVisibility: Visibility = {
  get hidden() {
    return page?.visibilityState === "hidden";
  },
  watch(listener, signal) {
    page?.addEventListener("visibilitychange", listener, { signal });
    globalThis.addEventListener?.("online", listener, { signal });
  },
};
