/** The tenant's table of tasks, as business code reads it. */

import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Input, Pagination, Select } from 'antd';
import { useState } from 'react';
import { Link } from 'react-router-dom';
import { api } from '../api/client';
import type { Task } from '../api/types';
import { useTexts } from '../i18n';
import { Period } from '../shell/Period';
import { Failure, Loading, Page, StatusTag } from '../shell/parts';
import { Table } from '../shell/Table';

const PAGE = 50;
const STATUSES = ['pending', 'running', 'completed', 'failed', 'cancelled'];
const REFRESH_MS = 10_000;

export default function TasksPage() {
  const { t, word, time } = useTexts();
  const [filter, setFilter] = useState<{
    status?: string;
    task_type?: string;
    since?: string;
    until?: string;
  }>({});
  const [page, setPage] = useState(1);
  const change = (next: typeof filter) => {
    setFilter((before) => ({ ...before, ...next }));
    setPage(1);
  };
  const found = useQuery({
    queryKey: ['tasks', filter, page],
    queryFn: () => api.tasks({ ...filter, offset: (page - 1) * PAGE, limit: PAGE }),
    placeholderData: keepPreviousData,
    refetchInterval: REFRESH_MS,
  });
  return (
    <Page title={t('tasks.title')}>
      <div className="app-filters">
        <Select
          aria-label={t('runs.status')}
          allowClear
          placeholder={t('runs.anyStatus')}
          style={{ width: 150 }}
          value={filter.status}
          onChange={(status?: string) => change({ status })}
          options={STATUSES.map((value) => ({ value, label: word('status', value) }))}
        />
        <Input
          aria-label={t('tasks.type')}
          placeholder={t('tasks.type')}
          allowClear
          style={{ width: 180 }}
          maxLength={50}
          onChange={(event) => change({ task_type: event.target.value.trim() || undefined })}
        />
        <Period since={filter.since} until={filter.until} onChange={change} />
      </div>
      {found.error && <Failure error={found.error} again={() => void found.refetch()} />}
      {found.isPending ? (
        <Loading />
      ) : (
        <Table<Task>
          label={t('tasks.title')}
          rows={found.data?.items ?? []}
          rowKey={(task) => task.id}
          columns={[
            {
              title: t('tasks.type'),
              render: (task) =>
                task.run_id ? (
                  <Link to={`/runs/${task.run_id}`}>{task.task_type}</Link>
                ) : (
                  task.task_type
                ),
            },
            { title: t('runs.status'), render: (task) => <StatusTag status={task.status} /> },
            { title: t('tasks.business'), render: (task) => task.business_id ?? '' },
            {
              title: 'Inngest',
              render: (task) =>
                task.inngest_url ? (
                  <a href={task.inngest_url} target="_blank" rel="noreferrer">
                    {task.inngest_run_id}
                  </a>
                ) : (
                  task.inngest_run_id
                ),
            },
            {
              title: t('tasks.error'),
              render: (task) =>
                task.error_message && <span className="app-prose">{task.error_message}</span>,
            },
            { title: t('tasks.created'), render: (task) => time(task.created_at) },
            { title: t('tasks.updated'), render: (task) => time(task.updated_at) },
          ]}
        />
      )}
      {(found.data?.total ?? 0) > PAGE && (
        <Pagination
          align="center"
          current={page}
          pageSize={PAGE}
          total={found.data?.total}
          showSizeChanger={false}
          onChange={setPage}
        />
      )}
    </Page>
  );
}
