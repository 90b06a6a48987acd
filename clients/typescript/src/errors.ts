/**
 * Every error that the package throws, rejects with or reports, so that a program can act on
 * `code` and a person can read `message`.
 */

export type ErrorCode =
  /** The caller passed something that cannot be sent, or there is no WebSocket to send it by. */
  | "bad_argument"
  /** The relay sent bytes that break the protocol. The connection is replaced by itself. */
  | "protocol"
  /** The relay closed for good; `closeCode` says why (`close_codes.ts`). */
  | "refused"
  /** Too many attempts in a row without a welcome. A browser shows an HTTP refusal as this, too. */
  | "unreachable"
  /** `leave()` was called. */
  | "left"
  /** The signal was aborted; `cause` is its reason. */
  | "aborted"
  /** The match is over; `cause` is why. */
  | "closed"
  /** More events wait to be confirmed than the queue holds. */
  | "queue_full"
  /** Events that were under way when the slot ran out: the relay may or may not have taken them. */
  | "events_lost"
  /** A request to the relay (`properties`, `lock`, …) got no answer before the connection was lost. */
  | "disconnected"
  /** A request to a player got no answer in time. */
  | "timeout"
  /** The relay's own `error` codes, section 5 of the protocol. */
  | "unknown_op"
  | "bad_request"
  | "forbidden"
  | "no_such_player"
  | "version"
  | "too_large";

export class TickwireError extends Error {
  override readonly name = "TickwireError";
  readonly code: ErrorCode;
  /** The WebSocket close code, where one is the cause. */
  readonly closeCode: number | undefined;

  constructor(code: ErrorCode, message: string, closeCode?: number, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.closeCode = closeCode;
  }
}

/** The peer's bytes are at fault: never an assertion, always a new connection. */
export function protocolError(message: string): TickwireError {
  return new TickwireError("protocol", message);
}

/** What somebody else's code threw, as an error with a code. */
export function errorOf(code: ErrorCode, cause: unknown): TickwireError {
  return cause instanceof TickwireError ? cause : new TickwireError(code, String(cause), undefined, cause);
}

/** Calls what may throw something without a code. */
export function coded<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw errorOf("bad_argument", cause);
  }
}

export function abortedError({ reason }: AbortSignal): TickwireError {
  return new TickwireError("aborted", "aborted", undefined, reason);
}
