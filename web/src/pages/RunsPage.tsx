/** Runs of one workflow, or of all. */

import { useInfiniteQuery } from '@tanstack/react-query';
import { Button, Select } from 'antd';
import { Link, useSearchParams } from 'react-router-dom';
import { api } from '../api/client';
import type { RunSummary } from '../api/types';
import { duration, useTexts } from '../i18n';
import { Period } from '../shell/Period';
import { Failure, Loading, Page, StatusTag } from '../shell/parts';
import { Table } from '../shell/Table';

const STATUSES = ['pending', 'running', 'waiting', 'completed', 'failed', 'cancelled'];
const REFRESH_MS = 5000;

export default function RunsPage() {
  const { t, word, time } = useTexts();
  const [asked, setAsked] = useSearchParams();
  const filter = {
    workflow: asked.get('workflow') ?? undefined,
    status: asked.get('status') ?? undefined,
    since: asked.get('since') ?? undefined,
    until: asked.get('until') ?? undefined,
  };
  const set = (changes: Record<string, string | undefined>) =>
    setAsked(
      (before) => {
        const next = new URLSearchParams(before);
        for (const [name, value] of Object.entries(changes)) {
          if (value) next.set(name, value);
          else next.delete(name);
        }
        return next;
      },
      { replace: true },
    );
  const found = useInfiniteQuery({
    queryKey: ['runs', filter],
    queryFn: ({ pageParam }) => api.runs({ ...filter, cursor: pageParam, limit: 50 }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next ?? undefined,
    refetchInterval: REFRESH_MS,
  });
  const title = filter.workflow ? t('runs.of', { workflow: filter.workflow }) : t('runs.title');
  return (
    <Page
      title={title}
      actions={
        filter.workflow && (
          <Button onClick={() => set({ workflow: undefined })}>{t('workflows.all')}</Button>
        )
      }
    >
      <div className="app-filters">
        <Select
          aria-label={t('runs.status')}
          allowClear
          placeholder={t('runs.anyStatus')}
          style={{ width: 150 }}
          value={filter.status}
          onChange={(status?: string) => set({ status })}
          options={STATUSES.map((value) => ({ value, label: word('status', value) }))}
        />
        <Period since={filter.since} until={filter.until} onChange={set} />
      </div>
      {found.error && <Failure error={found.error} again={() => void found.refetch()} />}
      {found.isPending ? (
        <Loading />
      ) : (
        <Table<RunSummary>
          label={title}
          rows={found.data?.pages.flatMap((page) => page.items) ?? []}
          rowKey={(run) => run.run_id}
          columns={[
            {
              title: t('runs.run'),
              render: (run) => <Link to={`/runs/${run.run_id}`}>{run.run_id.slice(0, 12)}</Link>,
            },
            {
              title: t('runs.workflow'),
              render: (run) => (
                <Link to={`/designs/${encodeURIComponent(run.workflow)}`}>
                  {run.workflow} v{run.version}
                </Link>
              ),
            },
            { title: t('runs.status'), render: (run) => <StatusTag status={run.status} /> },
            {
              title: t('runs.result'),
              render: (run) => (run.result ? word('status', run.result) : ''),
            },
            { title: t('runs.by'), render: (run) => run.started_by ?? '' },
            { title: t('runs.begun'), render: (run) => time(run.started_at ?? run.created_at) },
            {
              title: t('runs.took'),
              render: (run) =>
                run.started_at && run.ended_at
                  ? duration(Date.parse(run.ended_at) - Date.parse(run.started_at))
                  : '',
            },
            {
              title: 'Inngest',
              render: (run) =>
                run.inngest_url && (
                  <a href={run.inngest_url} target="_blank" rel="noreferrer">
                    {t('runs.inngest')}
                  </a>
                ),
            },
          ]}
        />
      )}
      {found.hasNextPage && (
        <div className="app-more">
          <Button loading={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            {t('app.more')}
          </Button>
        </div>
      )}
    </Page>
  );
}
