import { CLOSE_PORTAL_AND_SYNC } from './messages.js';

const SWITCH = Symbol('nestjs-background:closes-portals');

interface Switch {
  isOn: boolean;
}

/** The connection of `pg`, as far as a query ends with it. */
interface Wire {
  readonly stream: { write(bytes: Uint8Array): unknown };
  sync(): void;
  [SWITCH]?: Switch;
}

/**
 * Has each statement with parameters close its portal, in the same packet. Left to itself, PostgreSQL keeps the portal until
 * the next statement or the end of the transaction, and with it the statement's snapshot: a transaction that has only read
 * would keep VACUUM from removing rows for as long as it is open, as one does that has written.
 * @returns Ends that; `undefined` with other clients.
 */
export function closePortals(client: object): (() => void) | undefined {
  const { connection } = client as { connection?: Partial<Wire> };
  if (typeof connection?.stream?.write !== 'function' || typeof connection.sync !== 'function')
    return;
  const wire = connection as Wire;
  // Switched, not taken away again: to delete a method would make every access to the connection slower.
  const known = (wire[SWITCH] ??= switchOf(wire));
  known.isOn = true;
  return () => void (known.isOn = false);
}

function switchOf(wire: Wire): Switch {
  const portals: Switch = { isOn: false };
  const sync = wire.sync.bind(wire);
  wire.sync = () => {
    if (portals.isOn) wire.stream.write(CLOSE_PORTAL_AND_SYNC);
    else sync();
  };
  return portals;
}
