/** Start a run: a form made from what the workflow says it takes. */

import { useMutation, useQuery } from '@tanstack/react-query';
import { Alert, Button, Segmented } from 'antd';
import { type FormEvent, useEffect, useMemo, useRef, useState } from 'react';
import { useNavigate, useParams } from 'react-router-dom';
import { ApiProblem, api } from '../api/client';
import type { JsonSchema } from '../api/types';
import { useTexts } from '../i18n';
import { Failure, Loading, Missing, Page } from '../shell/parts';
import { JsonField, SchemaForm, sample, withMember } from '../shell/SchemaForm';

/** Said by the service, not by whoever fills the form in. */
const GIVEN = ['tenant_id', 'initiator_id'];

export default function StartPage() {
  const { code = '' } = useParams();
  const { t } = useTexts();
  const found = useQuery({ queryKey: ['start', code], queryFn: () => inputOf(code) });
  if (found.error instanceof ApiProblem && found.error.status === 404) return <Missing />;
  if (found.error) return <Failure error={found.error} again={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  return (
    <Page title={t('start.title', { workflow: found.data.name })}>
      <StartForm code={code} input={found.data.input} />
    </Page>
  );
}

/** Not `randomUUID`, which pages without TLS do not have. */
function newKey(): string {
  const bytes = window.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (one) => one.toString(16).padStart(2, '0')).join('');
}

/** What the version that new runs take says of its input. */
async function inputOf(code: string): Promise<{ name: string; input: JsonSchema | null }> {
  const { name, input } = await api.design(code);
  const schema = input as JsonSchema | null;
  return { name, input: schema?.properties ? schema : null };
}

function StartForm({ code, input }: { code: string; input: JsonSchema | null }) {
  const { t } = useTexts();
  const navigate = useNavigate();
  const [data, setData] = useState<Record<string, unknown>>({});
  const [mode, setMode] = useState<'form' | 'json'>(input === null ? 'json' : 'form');
  const [missing, setMissing] = useState<string[]>([]);
  // Pressed twice, it is one run.
  const key = useRef(newKey());
  const starting = useMutation({
    mutationFn: () => api.startRun(code, data, key.current),
    onSuccess: ({ run_id }) => navigate(`/runs/${run_id}`),
  });
  useEffect(() => {
    key.current = newKey();
  }, [data]);
  const required = useMemo(
    () => (input?.required ?? []).filter((name) => !GIVEN.includes(name)),
    [input],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const lacking = required.filter((name) => data[name] === undefined);
    setMissing(lacking);
    if (lacking.length === 0) starting.mutate();
  };
  const fill = () => {
    if (input === null) return;
    let filled = sample(input) as Record<string, unknown>;
    for (const name of GIVEN) filled = withMember(filled, name, undefined);
    setData(filled);
  };
  return (
    <form className="app-card app-form app-start" onSubmit={submit} noValidate>
      {input === null ? (
        <p className="app-soft">{t('start.noInput')}</p>
      ) : (
        <div className="app-actions">
          <Segmented
            aria-label={t('start.form')}
            value={mode}
            onChange={setMode}
            options={[
              { value: 'form', label: t('start.form') },
              { value: 'json', label: t('start.json') },
            ]}
          />
          <Button onClick={fill}>{t('start.sample')}</Button>
        </div>
      )}
      {mode === 'form' && input !== null ? (
        <SchemaForm
          schema={input}
          value={data}
          onChange={setData}
          hidden={GIVEN}
          errors={Object.fromEntries(missing.map((name) => [name, t('start.required')]))}
        />
      ) : (
        <JsonField
          name={t('start.sample')}
          rows={6}
          value={data}
          onChange={(next) =>
            setData(
              typeof next === 'object' && next !== null && !Array.isArray(next)
                ? (next as Record<string, unknown>)
                : {},
            )
          }
        />
      )}
      {starting.error && <Alert type="error" showIcon message={starting.error.message} />}
      <div>
        <Button type="primary" htmlType="submit" loading={starting.isPending}>
          {t('start.submit')}
        </Button>
      </div>
    </form>
  );
}
