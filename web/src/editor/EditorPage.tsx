/** A design is drawn and set up here, checked while it is typed, kept as a draft and published. */

import { useQuery } from '@tanstack/react-query';
import { Alert } from 'antd';
import { useRef, useState } from 'react';
import { useNavigate, useParams } from 'react-router-dom';
import { ApiProblem, api } from '../api/client';
import { useTexts } from '../i18n';
import { CheckedDesign } from '../pages/CheckedDesign';
import { Failure, Loading, Missing, Page } from '../shell/parts';
import { NODE_TYPES_QUERY } from '../shell/nodeTypes';
import { useDesigner } from '../shell/session';
import { emptyDocument, openDocument } from './document';
import { isExact } from './json';
import { Editor } from './Editor';

export default function EditorPage() {
  const { code } = useParams();
  const { t } = useTexts();
  const designer = useDesigner();
  const navigate = useNavigate();
  // A new design that has been saved is edited on, under its own address.
  const [created, setCreated] = useState<string>();
  const session = code === created ? undefined : code;
  if (!designer) {
    return (
      <Page title={code === undefined ? t('edit.new') : t('edit.title', { name: code })}>
        <Alert type="warning" showIcon message={t('edit.designersOnly')} />
      </Page>
    );
  }
  return (
    <Opened
      key={session === undefined ? 'new' : `design ${session}`}
      code={session}
      onCreated={(made) => {
        setCreated(made);
        navigate(`/designs/${encodeURIComponent(made)}/edit`, { replace: true });
      }}
      onReload={() => setCreated(undefined)}
    />
  );
}

/** What is edited, as it is when one begins; later answers would be in the user's way. */
function Opened({
  code,
  onCreated,
  onReload,
}: {
  code: string | undefined;
  onCreated: (code: string) => void;
  /** Of one that has no `code`: begin anew with what is stored by now. */
  onReload: () => void;
}) {
  const { t, word } = useTexts();
  const types = useQuery(NODE_TYPES_QUERY);
  const draft = useQuery({
    queryKey: ['edited', code],
    queryFn: () => api.design(code ?? ''),
    enabled: code !== undefined,
    staleTime: Infinity,
    gcTime: 0,
  });
  const first = useRef<ReturnType<typeof emptyDocument>>();
  const failed = [types, draft].find((one) => one.error);
  if (draft.error instanceof ApiProblem && draft.error.status === 404) return <Missing />;
  if (failed?.error) return <Failure error={failed.error} again={() => void failed.refetch()} />;
  if (!types.data || (code !== undefined && !draft.data)) return <Loading />;
  if (draft.data === undefined) {
    first.current ??= emptyDocument(
      word('type', 'start'),
      word('type', 'end'),
      types.data.places,
    );
    return (
      <Editor
        key="new"
        first={first.current}
        types={types.data}
        onCreated={onCreated}
        onReload={onReload}
      />
    );
  }
  const { revision, design, name } = draft.data;
  const document = openDocument(design, types.data.places);
  const exact = isExact(design);
  if (document === null || !exact) {
    return (
      <Page wide title={name}>
        <Alert type="info" showIcon message={exact ? t('edit.foreign') : t('edit.inexact')} />
        <CheckedDesign design={design} identity={`${code} draft ${revision}`} />
      </Page>
    );
  }
  return (
    <Editor
      key={draft.dataUpdatedAt}
      draft={draft.data}
      first={document}
      types={types.data}
      onCreated={onCreated}
      onReload={() => void draft.refetch()}
    />
  );
}
