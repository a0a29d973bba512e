// A real server for tests: the program that $SIAMESE names.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const program = process.env.SIAMESE ?? "";

/** Why tests of a real server are left out, or false. */
export const skip: string | false = program ? false : "SIAMESE names no program: build one with 'make build', then set SIAMESE=bin/siamese";

/** The repository's folder; tests are compiled to client/typescript/build/test. */
export const root = fileURLToPath(new URL("../../../..", import.meta.url));

/** A picture of the repository's own. */
export const photo = (name: string): string => join(root, "testdata/photos", name);

/** A folder of a test's own, taken away after it. */
export function scratch(test: { after: (end: () => void) => void }): string {
  const folder = mkdtempSync(join(tmpdir(), "siamese-client-"));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** How many models the program brings along, each of which is told of when it is ready. */
const models = 2;

/** A server process; address is for gRPC, url for browsers. */
export class Server {
  address = "";
  url = "";
  private readonly process: ChildProcess;

  private constructor(args: string[]) {
    this.process = spawn(program, ["serve", ...args], { stdio: ["ignore", "ignore", "pipe"] });
  }

  /** Starts a server at addresses of the system's choice, unless args say otherwise. */
  static async start(args: string[] = []): Promise<Server> {
    const server = new Server(["--addr=127.0.0.1:0", "--http-addr=127.0.0.1:0", ...args]);
    let log = "";
    await new Promise<void>((ready, failed) => {
      server.process.stderr?.on("data", (text) => {
        log += text;
        if (log.split("msg=ready").length > models) ready();
      });
      server.process.on("exit", (code) => failed(new Error(`the server ended with ${code}:\n${log}`)));
      server.process.on("error", failed);
    });
    server.address = /msg=serving address=(\S+)/.exec(log)?.[1] ?? "";
    server.url = /msg=page url=(\S+)/.exec(log)?.[1] ?? "";
    return server;
  }

  /** Sends a signal. */
  signal(name: "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT"): void { this.process.kill(name); }

  /** Ends it and waits for that. */
  async stop(name: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, "exit");
    this.process.kill(name);
    await ended;
  }
}
