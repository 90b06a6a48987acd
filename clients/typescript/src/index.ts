/** The package `tickwire`: join a match, send state and events, hear the others. */

export { join, Match } from "./match.ts";
export type {
  Codec,
  JoinOptions,
  MatchEvents,
  ReceivedEvent,
  RequestHandler,
  RequestOptions,
  RosterChange,
  SendTarget,
  Status,
  StatusEvent,
  TickEvent,
  WaitOptions,
} from "./options.ts";
export type { Body } from "./answers.ts";
export type { BackoffOptions } from "./backoff.ts";
export type { LeftReason, Limits, PlayerInfo, Properties, RateReason, Role, ServerControl, Welcome } from "./control.ts";
export type { Socket, SocketClass } from "./environment.ts";
export type { PropertyStore } from "./properties.ts";
export type { PlayerState } from "./states.ts";
export type { Reconnect, Stats } from "./stats.ts";
export type { Visibility } from "./visibility.ts";
export { CloseCode, isFinal } from "./close_codes.ts";
export { TickwireError, type ErrorCode } from "./errors.ts";
export { Interpolator, type InterpolatorOptions, type Mix, type Teleport } from "./interpolate.ts";
export { TickTimeline, timelineOf } from "./timeline.ts";
export { Motion, type MotionOptions } from "./motion.ts";
export { Prediction, type PendingInput } from "./prediction.ts";
export {
  angle16,
  angle8,
  bool,
  f32,
  f64,
  fixed,
  flags,
  i16,
  i32,
  i8,
  json,
  oneOf,
  schema,
  text,
  u16,
  u24,
  u32,
  u8,
  vec,
  type Field,
  type Fields,
  type Infer,
  type InferAll,
  type Schema,
} from "./schema.ts";
