// What: starts and stops a real server for scripts/page-check.mjs.
// How to run: by page-check.mjs.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

/** A port that is free now. */
async function freePort() {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address();
  listener.close();
  await once(listener, "close");
  return port;
}

/** A server process that can be stopped and started again at the same ports. */
export class ServerProcess {
  constructor(program, args = []) {
    this.program = program;
    this.args = args;
  }

  async start() {
    this.port ??= await freePort();
    this.process = spawn(this.program, ["serve", "--addr", "127.0.0.1:0", "--http-addr", `127.0.0.1:${this.port}`, ...this.args], { stdio: ["ignore", "ignore", "pipe"] });
    let log = "";
    await new Promise((resolve, reject) => {
      this.process.stderr.on("data", (text) => {
        log += text;
        if (log.includes("msg=ready")) resolve();
      });
      this.process.on("exit", (code) => reject(new Error(`the server ended with ${code}:\n${log}`)));
      this.process.on("error", reject);
    });
    return `http://127.0.0.1:${this.port}/`;
  }

  async stop() {
    if (!this.process || this.process.exitCode !== null) return;
    const ended = once(this.process, "exit");
    this.process.kill("SIGTERM");
    await ended;
  }
}
