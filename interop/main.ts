/** `npm run interop -- --port N`: serves the interoperability interface until it is stopped. */
import { parseArgs } from "node:util";
import { serve } from "./grpc.js";
import { handlers } from "./handlers.js";

const usage = `npm run interop -- [--port N] [--host ADDRESS]

Serves tinymls to a runner of the MLS working group's interoperability tests (gRPC, service mls_client.MLSClient).

  --port N         port to listen on; 0 takes any free one (default: 50051)
  --host ADDRESS   address to listen on (default: 127.0.0.1)
  --help           this text

Once it listens, it prints its address on a line of its own. It is for tests: no encryption, no authentication.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "50051" },
      host: { type: "string", default: "127.0.0.1" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(usage);
  const port = Number(values.port);
  if (!/^\d+$/.test(values.port) || port > 65535) throw new RangeError(`--port takes a number from 0 to 65535`);
  const server = await serve(handlers(), values.host, port);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => server.close());
  console.log(`${values.host}:${server.port}`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
});
