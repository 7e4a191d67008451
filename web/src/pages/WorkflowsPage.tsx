/** The tenant's workflows. */

import { PlusOutlined } from '@ant-design/icons';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { Button, Input, Segmented } from 'antd';
import { useDeferredValue, useState } from 'react';
import { Link, useNavigate } from 'react-router-dom';
import { api } from '../api/client';
import type { DesignSummary } from '../api/types';
import { useTexts } from '../i18n';
import { Failure, Loading, Page } from '../shell/parts';
import { useDesigner } from '../shell/session';
import { Table } from '../shell/Table';

const PAGE = 50;
const STATES = { all: undefined, published: true, drafts: false } as const;

export function WorkflowsPage() {
  const { t, time } = useTexts();
  const navigate = useNavigate();
  const designer = useDesigner();
  const [search, setSearch] = useState('');
  const [state, setState] = useState<keyof typeof STATES>('all');
  const wanted = useDeferredValue(search.trim());
  const found = useInfiniteQuery({
    queryKey: ['designs', wanted, state],
    queryFn: ({ pageParam }) =>
      api.designs({ search: wanted, published: STATES[state], offset: pageParam, limit: PAGE }),
    initialPageParam: 0,
    getNextPageParam: (last, all) => {
      const seen = all.reduce((sum, page) => sum + page.items.length, 0);
      return last.items.length && seen < last.total ? seen : undefined;
    },
    placeholderData: keepPreviousData,
  });
  const rows = found.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Page
      title={t('nav.workflows')}
      actions={
        designer && (
          <Button type="primary" icon={<PlusOutlined />} onClick={() => navigate('/new')}>
            {t('workflows.new')}
          </Button>
        )
      }
    >
      <div className="app-filters">
        <Input.Search
          aria-label={t('workflows.search')}
          placeholder={t('workflows.search')}
          allowClear
          style={{ maxWidth: 320 }}
          onChange={(event) => setSearch(event.target.value)}
        />
        <Segmented
          aria-label={t('workflows.state')}
          value={state}
          onChange={setState}
          options={[
            { value: 'all', label: t('workflows.all') },
            { value: 'published', label: t('workflows.onlyPublished') },
            { value: 'drafts', label: t('workflows.onlyDrafts') },
          ]}
        />
      </div>
      {found.error && <Failure error={found.error} again={() => void found.refetch()} />}
      {found.isPending ? (
        <Loading />
      ) : (
        <Table<DesignSummary>
          label={t('nav.workflows')}
          rows={rows}
          rowKey={(row) => row.code}
          empty={t('workflows.empty')}
          columns={[
            {
              title: t('workflows.name'),
              render: (row) => (
                <>
                  <Link to={`/designs/${encodeURIComponent(row.code)}`}>{row.name}</Link>
                  <div className="app-soft">{row.code}</div>
                </>
              ),
            },
            {
              title: t('workflows.state'),
              render: (row) =>
                row.published_version === null ? (
                  <span className="app-tag">{t('workflows.draft')}</span>
                ) : (
                  <span className="app-tag app-tag--completed">
                    {t('workflows.published', { version: row.published_version })}
                  </span>
                ),
            },
            {
              title: t('workflows.updated'),
              render: (row) =>
                [time(row.updated_at), row.updated_by].filter(Boolean).join(' · '),
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
