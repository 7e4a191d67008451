/** The status of a run, live: a WebSocket, and requests while there is none. */

import { useEffect, useState } from 'react';
import { ApiProblem, api, openLive } from './client';
import { type ExecutionStatus, OPEN_STATUSES } from './types';

export type LiveConnection = 'connecting' | 'live' | 'polling' | 'ended';

export interface LiveStatus {
  /** Undefined until something is known. */
  status: ExecutionStatus | undefined;
  connection: LiveConnection;
  /** Why nothing more will be known: there is no such run, or the user may not see it. */
  error: Error | undefined;
}

type Message =
  | ({ type: 'status' } & ExecutionStatus)
  | ({ type: 'nodes' } & ExecutionStatus)
  | { type: 'alive' };

const UNAUTHENTICATED = 4401;
const UNKNOWN = 4404;
const POLL_MS = 2000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** The service says something every 20 seconds: a socket that is silent for longer is dead. */
const SILENCE_MS = 50_000;

/** What is known after a message; an older revision changes nothing. */
export function told(
  known: ExecutionStatus | undefined,
  message: Message,
): ExecutionStatus | undefined {
  if (message.type === 'alive') return known;
  const { type, ...said } = message;
  if (type === 'status' || known === undefined) return said;
  return { ...said, nodes: { ...known.nodes, ...said.nodes } };
}

/** Follow a run until it has ended; `undefined` follows nothing. */
export function useInngestExecutionStatus(runId: string | undefined): LiveStatus {
  const [live, setLive] = useState<LiveStatus>(UNKNOWN_YET);
  useEffect(() => {
    setLive(UNKNOWN_YET);
    return runId === undefined ? undefined : follow(runId, setLive);
  }, [runId]);
  return live;
}

const UNKNOWN_YET: LiveStatus = { status: undefined, connection: 'connecting', error: undefined };

/** Tell `hear` of a run; the result ends it. */
export function follow(runId: string, hear: (live: LiveStatus) => void): () => void {
  let known: LiveStatus = UNKNOWN_YET;
  let socket: WebSocket | undefined;
  let pause = FIRST_PAUSE_MS;
  let over = false;
  const timers: Partial<Record<'retry' | 'poll' | 'silence', number>> = {};

  const say = (change: Partial<LiveStatus>) => {
    if (over) return;
    known = { ...known, ...change };
    hear(known);
  };
  const later = (name: keyof typeof timers, ms: number, action: () => void) => {
    window.clearTimeout(timers[name]);
    timers[name] = window.setTimeout(action, ms);
  };
  const stop = () => {
    over = true;
    Object.values(timers).forEach((timer) => window.clearTimeout(timer));
    socket?.close();
  };
  const finish = (change: Partial<LiveStatus>) => {
    say({ connection: 'ended', ...change });
    stop();
  };

  const poll = async () => {
    try {
      const status = await api.run(runId);
      if (over || known.connection === 'live') return;
      if (OPEN_STATUSES.includes(status.status)) say({ status, connection: 'polling' });
      else return finish({ status });
    } catch (error) {
      const refused = error instanceof ApiProblem && [401, 403, 404].includes(error.status);
      if (refused) return finish({ error: error as Error });
    }
    if (!over && known.connection !== 'live') later('poll', POLL_MS, poll);
  };

  const connect = () => {
    const opened = openLive(runId);
    socket = opened;
    const listen = () => later('silence', SILENCE_MS, () => opened.close());
    listen();
    opened.onmessage = (event) => {
      if (over) return;
      listen();
      pause = FIRST_PAUSE_MS;
      say({ status: told(known.status, JSON.parse(String(event.data))), connection: 'live' });
    };
    opened.onclose = (event) => {
      if (over) return;
      window.clearTimeout(timers.silence);
      if (event.code === UNKNOWN || event.code === UNAUTHENTICATED) {
        const status = event.code === UNKNOWN ? 404 : 401;
        return finish({ error: new ApiProblem(status, 'live', event.reason) });
      }
      if (known.status !== undefined && !OPEN_STATUSES.includes(known.status.status)) {
        return finish({});
      }
      say({ connection: 'polling' });
      later('poll', 0, poll);
      later('retry', pause, connect);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    };
  };

  connect();
  return stop;
}
