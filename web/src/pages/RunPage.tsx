/** A run as it moves. */

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, App, Button, Popconfirm, Tabs } from 'antd';
import { useMemo, useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router-dom';
import { ApiProblem, api } from '../api/client';
import { useInngestExecutionStatus } from '../api/live';
import { useRunDrawing } from '../api/queries';
import { type ExecutionStatus, OPEN_STATUSES, type Picture } from '../api/types';
import { Elapsed } from '../canvas/NodeCard';
import { NodeDetails } from '../canvas/NodeDetails';
import { WorkflowCanvas } from '../canvas/WorkflowCanvas';
import { splitOf } from '../canvas/split';
import { duration, useTexts } from '../i18n';
import { useAppearance } from '../shell/appearance';
import { Failure, Loading, Missing, Nothing, Page, StatusTag } from '../shell/parts';
import { useMe } from '../shell/session';

export default function RunPage() {
  const { id = '' } = useParams();
  const { t } = useTexts();
  const { status, connection, error } = useInngestExecutionStatus(id);
  const drawing = useRunDrawing(id);
  if (error instanceof ApiProblem && error.status === 404) {
    return <Missing title={t('run.unknown')} />;
  }
  if (error) return <Failure error={error} />;
  if (status === undefined) return <Loading />;
  return (
    <Page
      wide
      title={`${drawing.data?.picture?.name ?? status.workflow} · ${status.run_id.slice(0, 8)}`}
      actions={
        <>
          <StatusTag status={status.status} />
          <span className={`app-live app-live--${connection}`} role="status">
            {t(`run.${connection}`)}
          </span>
          <Actions status={status} />
        </>
      }
    >
      {drawing.error && <Failure error={drawing.error} again={() => void drawing.refetch()} />}
      <Moving status={status} picture={drawing.data?.picture ?? undefined} />
    </Page>
  );
}

function Moving({ status, picture }: { status: ExecutionStatus; picture?: Picture }) {
  const { t } = useTexts();
  const { dark } = useAppearance();
  const [chosen, setChosen] = useState<string>();
  const [tab, setTab] = useState('run');
  const node = picture?.nodes.find((one) => one.id === chosen);
  const choose = (name: string) => {
    setChosen(name);
    setTab('node');
  };
  return (
    <div className={splitOf(picture)}>
      <div className="app-stage">
        <WorkflowCanvas picture={picture} status={status} onNodeClick={choose} selected={chosen} dark={dark} />
      </div>
      <aside className="app-card app-side">
        <Tabs
          size="small"
          activeKey={tab}
          onChange={setTab}
          items={[
            { key: 'run', label: t('runs.run'), children: <Facts status={status} /> },
            {
              key: 'node',
              label: t('run.node'),
              children:
                node === undefined ? (
                  <Nothing>{t('node.choose')}</Nothing>
                ) : (
                  <NodeDetails node={node} state={status.nodes[node.id]} />
                ),
            },
            {
              key: 'nodes',
              label: t('run.nodes'),
              children: <NodeList status={status} picture={picture} choose={choose} />,
            },
            {
              key: 'history',
              label: t('run.history'),
              children: <History status={status} picture={picture} />,
            },
          ]}
        />
      </aside>
    </div>
  );
}

function Actions({ status }: { status: ExecutionStatus }) {
  const { t } = useTexts();
  const { message } = App.useApp();
  const me = useMe();
  const navigate = useNavigate();
  const mine = me.permissions.includes('tenant:admin') || status.started_by === me.user;
  const failed = (error: Error) => void message.error(error.message);
  const cancel = useMutation({ mutationFn: () => api.cancelRun(status.run_id), onError: failed });
  const retry = useMutation({
    mutationFn: () => api.retryRun(status.run_id),
    // The same run goes on, and is watched anew: its live status ended with the attempt.
    onSuccess: ({ run_id }) =>
      run_id === status.run_id ? window.location.reload() : navigate(`/runs/${run_id}`),
    onError: failed,
  });
  if (!mine) return null;
  if (OPEN_STATUSES.includes(status.status)) {
    return (
      <Popconfirm title={t('run.cancelSure')} onConfirm={() => cancel.mutate()}>
        <Button danger loading={cancel.isPending}>
          {t('run.cancel')}
        </Button>
      </Popconfirm>
    );
  }
  if (status.status === 'completed') return null;
  return (
    <Button loading={retry.isPending} onClick={() => retry.mutate()}>
      {t('run.retry')}
    </Button>
  );
}

function Facts({ status }: { status: ExecutionStatus }) {
  const { t, word, time } = useTexts();
  const took =
    status.started_at && status.ended_at
      ? duration(Date.parse(status.ended_at) - Date.parse(status.started_at))
      : '';
  const facts: [string, React.ReactNode][] = [
    [t('runs.run'), status.run_id],
    [
      t('runs.workflow'),
      <Link key="workflow" to={`/designs/${encodeURIComponent(status.workflow)}`}>
        {status.workflow}
      </Link>,
    ],
    [t('run.version'), `v${status.version}`],
    [t('runs.result'), status.result ? word('status', status.result) : ''],
    [t('runs.by'), status.started_by ?? ''],
    [t('tasks.business'), status.business_id ?? ''],
    [t('node.started'), time(status.started_at)],
    [t('node.ended'), time(status.ended_at)],
    [t('node.elapsed'), took],
    [t('run.parent'), status.parent && <Link to={`/runs/${status.parent}`}>{status.parent}</Link>],
    [
      t('run.retriedFrom'),
      status.retried_from && (
        <Link to={`/runs/${status.retried_from}`}>{status.retried_from}</Link>
      ),
    ],
    [
      t('runs.inngest'),
      status.inngest_url && (
        <a href={status.inngest_url} target="_blank" rel="noreferrer">
          {status.inngest_run_id}
        </a>
      ),
    ],
  ];
  return (
    <>
      {status.error && (
        <Alert
          type="error"
          showIcon
          message={status.error.name}
          description={<span className="app-prose">{status.error.message}</span>}
        />
      )}
      <dl className="app-facts">
        {facts
          .filter(([, value]) => value !== '' && value != null)
          .map(([name, value]) => (
            <div key={name} style={{ display: 'contents' }}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      {status.output != null && (
        <details>
          <summary>{t('run.output')}</summary>
          <pre className="app-code" tabIndex={0}>
            {JSON.stringify(status.output, null, 2)}
          </pre>
        </details>
      )}
    </>
  );
}

function NodeList({
  status,
  picture,
  choose,
}: {
  status: ExecutionStatus;
  picture?: Picture;
  choose: (node: string) => void;
}) {
  const labels = useMemo(
    () => new Map(picture?.nodes.map((node) => [node.id, node.label])),
    [picture],
  );
  return (
    <ul className="app-list">
      {Object.entries(status.nodes).map(([name, state]) => (
        <li key={name}>
          <Button type="link" size="small" onClick={() => choose(name)}>
            {labels.get(name) ?? name}
          </Button>{' '}
          <StatusTag status={state.status} />
          <Elapsed state={state} />
        </li>
      ))}
    </ul>
  );
}

function History({ status, picture }: { status: ExecutionStatus; picture?: Picture }) {
  const { t, word, time } = useTexts();
  const queries = useQueryClient();
  const key = ['changes', status.run_id, status.revision];
  const found = useQuery({
    queryKey: key,
    queryFn: () => api.changes(status.run_id),
    placeholderData: () => queries.getQueryData(['changes', status.run_id, status.revision - 1]),
  });
  const labels = new Map(picture?.nodes.map((node) => [node.id, node.label]));
  if (found.error) return <Failure error={found.error} again={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  return (
    <ol className="app-list">
      {found.data.map((one) => (
        <li key={one.id}>
          <div>
            {one.node === null ? t('runs.run') : (labels.get(one.node) ?? one.node)}
            {one.items.length > 0 && ` [${one.items.join('][')}]`}
            {one.round > 1 && ` · ${t('canvas.round', { count: one.round })}`}{' '}
            <StatusTag status={one.status} />
            {one.outcome != null &&
              one.outcome !== 'default' &&
              [one.outcome].flat().map((name) => word('outcome', String(name))).join(', ')}
          </div>
          <time className="app-soft" dateTime={one.at}>
            {time(one.at)}
          </time>
        </li>
      ))}
    </ol>
  );
}
