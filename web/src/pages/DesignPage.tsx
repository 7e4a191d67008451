/** A stored design: its draft or a version of it, checked. */

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { App, Button, Popconfirm, Select } from 'antd';
import { useState } from 'react';
import { Link, useNavigate, useParams } from 'react-router-dom';
import { ApiProblem, api } from '../api/client';
import type { Draft, Version } from '../api/types';
import { useTexts } from '../i18n';
import { Failure, Loading, Missing, Nothing, Page } from '../shell/parts';
import { useDesigner } from '../shell/session';
import { CheckedDesign } from './CheckedDesign';

export default function DesignPage() {
  const { code = '' } = useParams();
  const { t } = useTexts();
  const draft = useQuery({ queryKey: ['design', code], queryFn: () => api.design(code) });
  const versions = useQuery({ queryKey: ['versions', code], queryFn: () => api.versions(code) });
  const designer = useDesigner();
  const [number, setNumber] = useState<number>();
  const version = useQuery({
    queryKey: ['version', code, number],
    queryFn: () => api.version(code, number as number),
    enabled: designer && number !== undefined,
    staleTime: Infinity,
  });
  if (draft.error instanceof ApiProblem && draft.error.status === 404) return <Missing />;
  if (draft.error) return <Failure error={draft.error} again={() => void draft.refetch()} />;
  if (!draft.data) return <Loading />;
  const drawn = number ?? draft.data.published_version;
  const shown = number === undefined ? draft.data.design : version.data?.design;
  return (
    <Page
      wide
      title={draft.data.name}
      actions={
        <>
          {draft.data.published_version === null ? (
            <span className="app-tag">{t('workflows.draft')}</span>
          ) : (
            <span className="app-tag app-tag--completed">
              {t('workflows.published', { version: draft.data.published_version })}
            </span>
          )}
          <Select
            aria-label={t('design.versions')}
            style={{ width: 130 }}
            value={number ?? (designer ? 0 : (draft.data.published_version ?? 0))}
            onChange={(chosen) => setNumber(chosen || undefined)}
            options={[
              ...(designer ? [{ value: 0, label: t('design.draftView') }] : []),
              ...(versions.data?.items ?? []).map((one) => ({
                value: one.number,
                label: t('design.version', { version: one.number }),
              })),
            ]}
          />
          <Actions draft={draft.data} />
        </>
      }
    >
      {version.error && <Failure error={version.error} />}
      {!designer && drawn !== null ? (
        <CheckedDesign
          key={drawn}
          identity={`${code} ${drawn}`}
          draw={() => api.versionDrawing(code, drawn)}
        />
      ) : shown === undefined ? (
        <Loading />
      ) : (
        <CheckedDesign
          key={number ?? 'draft'}
          design={shown}
          identity={`${code} ${number === undefined ? `draft ${draft.data.revision}` : number}`}
          further={[
            {
              key: 'versions',
              label: t('design.versions'),
              children: <Versions versions={versions.data?.items ?? []} />,
            },
          ]}
        />
      )}
    </Page>
  );
}

function Versions({ versions }: { versions: Version[] }) {
  const { t, time } = useTexts();
  if (versions.length === 0) return <Nothing />;
  return (
    <ul className="app-list">
      {versions.map((one) => (
        <li key={one.number}>
          {t('design.version', { version: one.number })}
          <div className="app-soft">
            {[one.published_by, time(one.published_at)].filter(Boolean).join(' · ')}
          </div>
        </li>
      ))}
    </ul>
  );
}

function Actions({ draft }: { draft: Draft }) {
  const { t } = useTexts();
  const { message } = App.useApp();
  const navigate = useNavigate();
  const designer = useDesigner();
  const queries = useQueryClient();
  const code = encodeURIComponent(draft.code);
  const again = () => {
    void queries.invalidateQueries({ queryKey: ['design', draft.code] });
    void queries.invalidateQueries({ queryKey: ['versions', draft.code] });
    void queries.invalidateQueries({ queryKey: ['designs'] });
  };
  const failed = (error: Error) => void message.error(error.message);
  const publish = useMutation({
    mutationFn: () => api.publish(draft.code, draft.revision),
    onSuccess: ({ number }) => {
      void message.success(t('design.published', { version: number }));
      again();
    },
    onError: failed,
  });
  const unpublish = useMutation({
    mutationFn: () => api.unpublish(draft.code),
    onSuccess: () => {
      void message.success(t('design.unpublished'));
      again();
    },
    onError: failed,
  });
  const remove = useMutation({
    mutationFn: () => api.deleteDesign(draft.code),
    onSuccess: () => {
      again();
      navigate('/');
    },
    onError: failed,
  });
  return (
    <>
      <Link to={`/runs?workflow=${code}`}>{t('design.runs')}</Link>
      {draft.published_version !== null && (
        <Button type="primary" onClick={() => navigate(`/designs/${code}/start`)}>
          {t('design.start')}
        </Button>
      )}
      {designer && (
        <>
          <Button onClick={() => navigate(`/designs/${code}/edit`)}>{t('design.edit')}</Button>
          <Button loading={publish.isPending} onClick={() => publish.mutate()}>
            {t('design.publish')}
          </Button>
          {draft.published_version !== null && (
            <Button loading={unpublish.isPending} onClick={() => unpublish.mutate()}>
              {t('design.unpublish')}
            </Button>
          )}
          <Popconfirm title={t('design.deleteSure')} onConfirm={() => remove.mutate()}>
            <Button danger loading={remove.isPending}>
              {t('design.delete')}
            </Button>
          </Popconfirm>
        </>
      )}
    </>
  );
}
