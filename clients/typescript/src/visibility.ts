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

/**
 * How long a page is hidden before anybody is told, in milliseconds. A window that is shown flickers: Chromium hides
 * it and shows it again at once, and the relay gives a keyframe that is asked for but once a second.
 */
const settling = 500;

export const pageVisibility: Visibility = {
  get hidden() {
    return page?.visibilityState === "hidden";
  },
  watch(listener, signal) {
    const onChange = () => (this.hidden ? setTimeout(listener, settling) : listener());
    page?.addEventListener("visibilitychange", onChange, { signal });
    globalThis.addEventListener?.("online", listener, { signal });
  },
};
