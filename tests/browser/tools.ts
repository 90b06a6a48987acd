/**
 * The npm packages that these tests use. They are installed once, in `clients/typescript`, and Node
 * does not look there by itself.
 */

import { createRequire } from "node:module";
import type * as Playwright from "playwright-core";
import type * as Ws from "ws";

const require = createRequire(new URL("../../clients/typescript/package.json", import.meta.url));

export const { chromium } = require("playwright-core") as typeof Playwright;
export const { WebSocket: WsClient } = require("ws") as typeof Ws;
export type { Page } from "playwright-core";
export type { WebSocket as WsSocket } from "ws";
