/** gRPC: the service of `mls_client.proto`, served and called. */
import { fileURLToPath } from "node:url";
import {
  credentials,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  status,
  type Client,
  type GrpcObject,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServiceClientConstructor,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { TinyMlsError } from "tinymls";
import type { Request, Response, Rpc } from "./messages.js";

// This file runs as .test-build/interop/grpc.js.
const proto = fileURLToPath(new URL("../../interop/mls_client.proto", import.meta.url));
const definition = loadSync(proto, { longs: String, defaults: true, arrays: true });
const service = (loadPackageDefinition(definition)["mls_client"] as GrpcObject)["MLSClient"];
const MlsClient = service as ServiceClientConstructor;

// Trees and Welcomes of large groups are larger than the 4 MiB that gRPC takes by default.
const unlimited = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

export type Handlers = { readonly [K in Rpc]: (request: Request<K>) => Response<K> | Promise<Response<K>> };

/** An error that says by its gRPC status what the caller did wrong. */
export class CallError extends Error {
  readonly code: status;

  constructor(code: "NOT_FOUND" | "FAILED_PRECONDITION" | "INVALID_ARGUMENT", message: string) {
    super(message);
    this.code = status[code];
  }
}

export interface RunningServer {
  readonly port: number;
  close(): void;
}

/** Serves on a port, any free one for 0. */
export function serve(handlers: Handlers, host: string, port: number): Promise<RunningServer> {
  const server = new Server(unlimited);
  const calls = Object.entries(handlers).map(([name, handle]) => [name, answering(handle as AnyHandler)] as const);
  server.addService(MlsClient.service, Object.fromEntries(calls));
  return new Promise((resolve, reject) => {
    server.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, bound) => {
      if (error !== null) reject(error);
      else resolve({ port: bound, close: () => server.forceShutdown() });
    });
  });
}

type AnyHandler = (request: unknown) => object | Promise<object>;
type Answer = (call: ServerUnaryCall<unknown, object>, done: sendUnaryData<object>) => void;

function answering(handle: AnyHandler): Answer {
  return (call, done) => {
    const run = async (): Promise<object> => handle(call.request);
    run().then(
      (response) => done(null, response),
      (error: unknown) => done(statusOf(error)),
    );
  };
}

function statusOf(error: unknown): { readonly code: status; readonly details: string } {
  if (error instanceof CallError) return { code: error.code, details: error.message };
  if (error instanceof TinyMlsError) {
    const code = error.code === "internal" ? status.INTERNAL : status.INVALID_ARGUMENT;
    return { code, details: `${error.code}: ${error.message}` };
  }
  return { code: status.INTERNAL, details: String(error) };
}

/** The service of a server elsewhere. What is left out of a request is empty. */
export class RemoteClient {
  readonly #client: Client;

  constructor(address: string) {
    this.#client = new MlsClient(address, credentials.createInsecure(), unlimited);
  }

  call<K extends Rpc>(rpc: K, request: Partial<Request<K>>): Promise<Response<K>> {
    type Method = (request: object, done: (error: Error | null, response: Response<K>) => void) => void;
    const method = (this.#client as unknown as Record<string, Method>)[rpc]!.bind(this.#client);
    return new Promise((resolve, reject) => {
      method(request, (error, response) => (error === null ? resolve(response) : reject(error)));
    });
  }

  close(): void {
    this.#client.close();
  }
}
