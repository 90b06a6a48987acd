/** Certificates made for one test run: the relay reads them from files as an operator's. */

import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  certificate: string;
  key: string;
}

export function makeFolder(): string {
  return mkdtempSync(join(tmpdir(), "tickwire-test-"));
}

export function makeCertificate(name = "localhost"): Certificate {
  const folder = makeFolder();
  const certificate = join(folder, "certificate.pem");
  const key = join(folder, "key.pem");
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name},IP:127.0.0.1`];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  execFileSync("openssl", ["req", ...kind, ...subject, "-keyout", key, "-out", certificate], { stdio: "pipe" });
  return { certificate, key };
}
