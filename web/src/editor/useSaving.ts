/** Drafts are saved, and published, unless somebody else was faster. */

import { useQueryClient } from '@tanstack/react-query';
import { App } from 'antd';
import { useRef, useState } from 'react';
import { ApiProblem, api } from '../api/client';
import type { Diagnostic, Draft } from '../api/types';
import { useTexts } from '../i18n';
import { type Document, nameOf } from './document';

export interface Saving {
  /** The code under which it is stored, once it is. */
  code: string | undefined;
  saved: Document | null;
  busy: 'save' | 'publish' | null;
  save: (document: Document, code?: string) => Promise<void>;
  publish: (document: Document, code?: string) => Promise<void>;
  /** Somebody else has saved the draft: which revision it is at now. */
  conflict: number | null;
  resolve: (overwrite: Document | null) => void;
  /** What was not published, and why. */
  refused: { document: Document; diagnostics: readonly Diagnostic[] } | null;
}

export function useSaving(
  draft: Draft | undefined,
  first: Document,
  onCreated: (code: string) => void,
): Saving {
  const { t } = useTexts();
  const { message } = App.useApp();
  const queries = useQueryClient();
  const [code, setCode] = useState(draft?.code);
  const [saved, setSaved] = useState<Document | null>(draft === undefined ? null : first);
  const [busy, setBusy] = useState<Saving['busy']>(null);
  const [conflict, setConflict] = useState<number | null>(null);
  const [refused, setRefused] = useState<Saving['refused']>(null);
  const stored = useRef(draft && { code: draft.code, revision: draft.revision });

  const failed = (error: unknown, document: Document) => {
    if (!(error instanceof Error)) throw error;
    if (error instanceof ApiProblem && error.code === 'edited-meanwhile') {
      const { revision } = error.details;
      setConflict(typeof revision === 'number' ? revision : (stored.current?.revision ?? 0));
      return;
    }
    if (error instanceof ApiProblem && Array.isArray(error.details.diagnostics)) {
      setRefused({ document, diagnostics: error.details.diagnostics as Diagnostic[] });
    }
    const unreachable = error instanceof TypeError;
    void message.error(unreachable ? t('app.unreachable') : t('app.failed', { message: error.message }));
  };
  const again = (of: string) => {
    for (const queryKey of [['designs'], ['design', of], ['versions', of], ['drawing']]) {
      void queries.invalidateQueries({ queryKey });
    }
  };
  /** Its revision then. */
  const keep = async (document: Document, given: string | undefined) => {
    const name = nameOf(document) || undefined;
    const before = stored.current;
    const made =
      before === undefined
        ? await api.createDesign(document.json, given, name ?? given)
        : await api.saveDesign(before.code, document.json, before.revision, name);
    stored.current = { code: made.code, revision: made.revision };
    setCode(made.code);
    setSaved(document);
    again(made.code);
    return { ...stored.current, created: before === undefined };
  };
  const doing = async (what: 'save' | 'publish', document: Document, job: () => Promise<void>) => {
    setBusy(what);
    setRefused(null);
    try {
      await job();
    } catch (error) {
      failed(error, document);
    } finally {
      setBusy(null);
    }
  };
  const save: Saving['save'] = (document, given) =>
    doing('save', document, async () => {
      const made = await keep(document, given);
      void message.success(t('edit.saved'));
      if (made.created) onCreated(made.code);
    });
  const publish: Saving['publish'] = async (document, given) => {
    let created: string | undefined;
    await doing('publish', document, async () => {
      const before = stored.current;
      if (before === undefined || document !== saved) {
        const made = await keep(document, given);
        if (made.created) created = made.code;
      }
      const at = stored.current;
      if (at === undefined) return;
      const { number } = await api.publish(at.code, at.revision);
      again(at.code);
      void message.success(t('design.published', { version: number }));
    });
    if (created !== undefined) onCreated(created);
  };
  return {
    code,
    saved,
    busy,
    save,
    publish,
    conflict,
    resolve: (overwrite) => {
      if (conflict !== null && overwrite !== null && stored.current !== undefined) {
        stored.current = { ...stored.current, revision: conflict };
        void save(overwrite);
      }
      setConflict(null);
    },
    refused,
  };
}
