/**
 * Page Visibility: a hidden page asks the relay for one tick a second (`visible`, protocol.md,
 * section 5) and for all of them again when it shows.
 */

export interface Visibility {
  readonly hidden: boolean;
  /** Calls at each change, and when the network is back. Returns what takes the listener off again. */
  watch(listener: () => void): () => void;
}

export const pageVisibility: Visibility = {
  get hidden() {
    return typeof document !== "undefined" && document.visibilityState === "hidden";
  },
  watch(listener) {
    if (typeof document === "undefined") return () => {};
    document.addEventListener("visibilitychange", listener);
    addEventListener("online", listener);
    return () => {
      document.removeEventListener("visibilitychange", listener);
      removeEventListener("online", listener);
    };
  },
};
