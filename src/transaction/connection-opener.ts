import type { WaitNode } from '../future/wait-graph.js';
import type { LastStatement } from '../tracker/job-tracker.js';
import type { IsolationLevel, QueryRunnerLike } from './typeorm-shape.js';

/** Opens the connection of a job on a DataSource, and its transaction. */
export interface ConnectionOpener {
  /** A query runner of its own; connects when it is first used. */
  readonly runner: QueryRunnerLike;
  /** A query runner of the same kind that never connects. */
  another(): QueryRunnerLike;
  /** @param isForStatement Whether it is for a statement that comes at once. */
  begin(isolation: IsolationLevel | undefined, isForStatement: boolean): Promise<void>;
  /** What `begin` may have to wait for. */
  readonly scarce: 'connection' | 'writer lock';
  /** After commit or rollback. */
  close(error?: Error): Promise<void>;
  /** Ends a statement that is being run, so that a rollback need not wait for it. */
  interrupt(): Promise<void>;
  /** What the connection was cut with, where that was noticed while nothing ran on it. */
  readonly fault?: Error | undefined;
  /** Whether the database has given the transaction up, and would answer COMMIT with a rollback; where it is known. */
  readonly isAborted?: boolean;
  /** Whether a stream is open on the connection, which takes no other statement before its end; where it is known. */
  readonly isStreaming?: boolean;
  /**
   * Commits, with one more statement where one is given, in one round trip; where the database can.
   * @param passOn Called where there is one, and the connection could be joined by another job meanwhile.
   */
  readonly commitWith?:
    ((last: LastStatement | undefined, passOn?: () => void) => Promise<void>) | undefined;
  /** Gives up a begin that waits, for whatever it waits. */
  abandon?(): void;
}

/** Whose connection it is. */
export interface ConnectionOwner {
  readonly jobId: string;
  readonly jobName: string;
  /** The job among those that wait for each other. */
  readonly node?: (() => WaitNode) | undefined;
  /** Has another job run in its place while it waits; what it gives takes the place back. */
  readonly lend?: ((awaited: WaitNode) => () => void) | undefined;
}

/** Whose transaction it is, and how it is to be. */
export interface ConnectionRules extends ConnectionOwner {
  readonly isolation: IsolationLevel | undefined;
  /** Called when the transaction is about to begin. */
  readonly onBegin?: (() => void) | undefined;
  /** Called at the first statement that writes; what it gives is called at the end. */
  onWrite(): () => void;
  /** Called when the transaction is about to be committed, and another can begin on the connection behind it. */
  readonly passOn?: (() => void) | undefined;
}
