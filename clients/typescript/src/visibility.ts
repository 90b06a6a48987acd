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
 * A window that is shown flickers: Chromium hides it and shows it again at once. The relay gives a keyframe that is
 * asked for but once a second, so the second showing would wait for its own. A page that hides within so many
 * milliseconds of being shown is told of only after as many.
 */
const flicker = 500;

export const pageVisibility: Visibility = {
  get hidden() {
    return page?.visibilityState === "hidden";
  },
  watch(listener, signal) {
    let calm = 0;
    const onChange = ({ timeStamp }: Event) => {
      if (this.hidden && timeStamp < calm) setTimeout(listener, flicker);
      else {
        calm = timeStamp + flicker;
        listener();
      }
    };
    page?.addEventListener("visibilitychange", onChange, { signal });
    globalThis.addEventListener?.("online", listener, { signal });
  },
};
