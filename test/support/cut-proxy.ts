import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What becomes of a COMMIT that comes by: it is seen by the server or not, and its answer by the client. */
export type Fate = (client: Socket, server: Socket, commit: Buffer) => void;

/** Stands between an application and its database, and cuts connections at the worst moment. */
export class CutProxy implements AsyncDisposable {
  /** For the next COMMIT; `undefined` lets it pass. */
  fate: Fate | undefined;
  /** Which statement it is for, if not for a COMMIT. */
  word = 'COMMIT';
  /** Whether nobody gets through. */
  isDown = false;
  /** What clients are answered instead. */
  rewrite = (answer: Buffer): Buffer => answer;
  /** How often somebody tried meanwhile. */
  refused = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(private readonly target: URL) {
    this.#server = createServer((client) => this.#pass(client));
  }

  static async to(url: string): Promise<CutProxy> {
    const proxy = new CutProxy(new URL(url));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    const url = new URL(this.target);
    url.hostname = '127.0.0.1';
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  /** Cuts every connection, and lets nobody in. */
  goDown(): void {
    this.isDown = true;
    this.#sockets.forEach((socket) => socket.destroy());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#sockets.forEach((socket) => socket.destroy());
    await closed;
  }

  #pass(client: Socket): void {
    if (this.isDown) {
      this.refused += 1;
      client.destroy();
      return;
    }
    const server = connect(
      Number(this.target.port || (this.target.protocol === 'mysql:' ? 3306 : 5432)),
      this.target.hostname,
    );
    this.#keep(client);
    this.#keep(server);
    server.on('data', (data) => client.write(this.rewrite(data)));
    client.on('data', (data) => this.#forward(client, server, data));
    client.on('close', () => server.end());
    server.on('close', () => client.destroy());
  }

  #forward(client: Socket, server: Socket, data: Buffer): void {
    const { fate } = this;
    if (!fate || !data.includes(this.word)) return void server.write(data);
    this.fate = undefined;
    fate(client, server, data);
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#sockets.delete(socket));
  }
}

/** The COMMIT is carried out; its answer gets lost. */
export const answerLost: Fate = (client, server, commit) => {
  server.removeAllListeners('data');
  server.once('data', () => client.destroy());
  server.write(commit);
};

/** It never gets to the server, which sees the connection end. */
export const neverArrives: Fate = (client) => client.destroy();

/** As a pooler of connections does, which tells PostgreSQL's clients of sessions of its own. */
export function ofAnotherSession(answer: Buffer): Buffer {
  const key = answer.indexOf(Buffer.from('K\0\0\0\x0c', 'latin1'));
  if (key >= 0) answer.writeInt32BE(1, key + 5);
  return answer;
}
