/** The package `tickwire`: join a match, send state and events, hear the others. */

export { join, Match } from "./match.ts";
export type {
  JoinOptions,
  MatchEvents,
  ReceivedEvent,
  RosterChange,
  SendTarget,
  Status,
  StatusEvent,
  TickEvent,
} from "./options.ts";
export type { PlayerInfo, Properties, Role } from "./control.ts";
export type { PlayerState } from "./states.ts";
export type { Stats } from "./stats.ts";
export { CloseCode, isFinal } from "./close_codes.ts";
export { TickwireError, type ErrorCode } from "./errors.ts";
export { Interpolator, type Mix } from "./interpolate.ts";
export { TickTimeline } from "./timeline.ts";
