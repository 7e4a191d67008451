/** One node: what it is called, where it stands, how it is set up, where it leads. */

import { Alert, Button, Input, Select } from 'antd';
import { type ReactNode, useId, useState } from 'react';
import type { Diagnostic, PictureNode } from '../api/types';
import { holdsNodes } from '../canvas/kinds';
import { useTexts } from '../i18n';
import { JsonField } from '../shell/SchemaForm';
import type { Actions } from './actions';
import { ConfigForm, KeyInput } from './ConfigForm';
import { configPointer, type DocumentEdge, edgesOf, nodesOf } from './document';
import { setConfig, setId, setLabel } from './edits';
import type { Json } from './json';
import { isWithin } from './picture';
import type { Editing } from './useEditing';

export function Labelled({ label, children }: { label: string; children: (id: string) => ReactNode }) {
  const id = useId();
  return (
    <div className="app-field">
      <label htmlFor={id}>{label}</label>
      {children(id)}
    </div>
  );
}

export function Problems({ found }: { found: readonly Diagnostic[] }) {
  return found.map((one, index) => (
    <Alert
      key={index}
      type={one.level}
      showIcon
      message={
        <span className="app-prose">
          {one.code}: {one.message}
          {one.help && <span className="app-soft"> · {one.help}</span>}
        </span>
      }
    />
  ));
}

export function NodePanel({
  editing,
  actions,
  node,
}: {
  editing: Editing;
  actions: Actions;
  node: PictureNode;
}) {
  const { t, word } = useTexts();
  const { document, types, edit, select, picture } = editing;
  const { id } = node;
  const info = types.get(node.type);
  const written = nodesOf(document, types).find((one) => one.id === id)?.label ?? '';
  const config = node.config as Record<string, Json>;
  const diagnostics = editing.diagnostics.filter((one) => one.node === id);
  const { fields, others } = sorted(
    diagnostics,
    configPointer(document, id, types),
    Object.keys(info?.config.properties ?? {}),
  );
  const containers = picture.nodes.filter(
    (one) => holdsNodes(one.type) && !isWithin(picture, one.id, id),
  );
  const configure = (next: Record<string, unknown>, name: string) =>
    edit(
      (before) => setConfig(before, id, next as Record<string, Json>, types),
      `config ${id} ${name}`,
    );
  return (
    <section className="app-form" aria-label={node.label}>
      <h2>
        {word('type', node.type)} <span className="app-soft">{id}</span>
      </h2>
      <Labelled label={t('edit.label')}>
        {(field) => (
          <Input
            id={field}
            value={written}
            onChange={(event) => {
              const label = event.target.value;
              edit((before) => setLabel(before, id, label), `label ${id}`);
            }}
          />
        )}
      </Labelled>
      <Labelled label={t('edit.id')}>
        {(field) => (
          <KeyInput
            id={field}
            value={id}
            taken={(next) => next !== id && picture.nodes.some((one) => one.id === next)}
            onChange={(next) => {
              edit((before) => setId(before, id, next, types));
              select({ nodes: [next], edge: null });
            }}
          />
        )}
      </Labelled>
      {node.type !== 'start' && (containers.length > 0 || node.parent !== null) && (
        <Labelled label={t('edit.parent')}>
          {(field) => (
            <Select
              id={field}
              style={{ width: '100%' }}
              value={node.parent ?? ''}
              onChange={(parent: string) => actions.putInto(id, parent || null)}
              options={[
                { value: '', label: t('edit.noParent') },
                ...containers.map((one) => ({ value: one.id, label: one.label })),
              ]}
            />
          )}
        </Labelled>
      )}
      <Problems found={others} />
      {info === undefined ? (
        <Labelled label={t('node.config')}>
          {(field) => (
            <JsonField
              id={field}
              name={t('node.config')}
              value={config}
              onChange={(next) =>
                configure(
                  typeof next === 'object' && next !== null && !Array.isArray(next)
                    ? (next as Record<string, unknown>)
                    : {},
                  '',
                )
              }
            />
          )}
        </Labelled>
      ) : (
        <ConfigForm schema={info.config} labels={info.labels} value={config} onChange={configure} errors={fields} />
      )}
      <Edges editing={editing} actions={actions} node={node} />
      <div>
        <Button danger onClick={actions.remove}>
          {t('edit.remove')}
        </Button>
      </div>
    </section>
  );
}

/** What is wrong with a node: by the setting that it concerns, and what concerns none. */
function sorted(diagnostics: readonly Diagnostic[], base: string, names: readonly string[]) {
  const fields = new Map<string, ReactNode>();
  const others: Diagnostic[] = [];
  for (const one of diagnostics) {
    const pointer = one.pointer ?? '';
    const below = pointer.startsWith(`${base}/`) ? pointer.slice(base.length + 1) : '';
    const name = below.split('/')[0]?.replace(/~1/g, '/').replace(/~0/g, '~') ?? '';
    // What is missing has no place of its own; the message begins with its name.
    const missing = names.find((known) => one.message === `\`${known}\` is missing`);
    const field = names.includes(name) ? name : missing;
    if (field === undefined) {
      others.push(one);
      continue;
    }
    const before = fields.get(field);
    const text = one.help === null ? one.message : `${one.message}: ${one.help}`;
    fields.set(field, before === undefined ? text : <>{before}; {text}</>);
  }
  return { fields, others };
}

/** The edges of a node, and a form for another one. */
function Edges({
  editing,
  actions,
  node,
}: {
  editing: Editing;
  actions: Actions;
  node: PictureNode;
}) {
  const { t, word } = useTexts();
  const { document, picture, select } = editing;
  const [outcome, setOutcome] = useState<string>();
  const [target, setTarget] = useState<string>();
  const edges = edgesOf(document);
  const labels = new Map(picture.nodes.map((one) => [one.id, one.label]));
  const out = edges.filter((one) => one.source === node.id);
  const into = edges.filter((one) => one.target === node.id);
  const outcomes = [...new Set([...node.outcomes, ...out.flatMap((one) => one.handle ?? [])])];
  const leaving = outcome !== undefined && outcomes.includes(outcome) ? outcome : outcomes[0];
  const told = (one: DocumentEdge) => {
    const by = one.label || one.when || (one.handle ? word('outcome', one.handle) : '');
    const end = one.source === node.id ? `→ ${labels.get(one.target) ?? one.target}` : `← ${labels.get(one.source) ?? one.source}`;
    return [end, by].filter(Boolean).join(' · ');
  };
  return (
    <fieldset className="app-fieldset">
      <legend>{t('edit.edges')}</legend>
      {out.length + into.length === 0 && <span className="app-soft">{t('edit.noEdges')}</span>}
      {[...out, ...into].length > 0 && (
        <ul className="pf-edges">
          {[...out, ...into].map((one, index) => (
            <li key={`${one.index} ${index}`}>
              <Button
                type="link"
                size="small"
                onClick={() => select({ nodes: [], edge: one.index })}
              >
                {told(one)}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {node.type !== 'end' && (
        <>
          {outcomes.length > 1 && (
            <Labelled label={t('edit.outcome')}>
              {(field) => (
                <Select
                  id={field}
                  style={{ width: '100%' }}
                  value={leaving}
                  onChange={setOutcome}
                  options={outcomes.map((one) => ({ value: one, label: word('outcome', one) }))}
                />
              )}
            </Labelled>
          )}
          <Labelled label={t('edit.connectTo')}>
            {(field) => (
              <NodeSelect
                id={field}
                nodes={picture.nodes.filter((one) => one.type !== 'start' && one.id !== node.id)}
                value={target}
                onChange={setTarget}
              />
            )}
          </Labelled>
          <div>
            <Button
              size="small"
              disabled={target === undefined || !labels.has(target)}
              onClick={() => {
                if (target === undefined) return;
                actions.connect(node.id, leaving ?? null, target);
                setTarget(undefined);
              }}
            >
              {t('edit.connect')}
            </Button>
          </div>
        </>
      )}
    </fieldset>
  );
}

/** One of the nodes, searched by label or id. */
export function NodeSelect({
  id,
  nodes,
  value,
  onChange,
}: {
  id: string;
  nodes: readonly PictureNode[];
  value: string | undefined;
  onChange: (next: string) => void;
}) {
  return (
    <Select
      id={id}
      showSearch
      optionFilterProp="label"
      style={{ width: '100%' }}
      value={value}
      onChange={onChange}
      options={nodes.map((one) => ({
        value: one.id,
        label: one.label === one.id ? one.id : `${one.label} (${one.id})`,
      }))}
    />
  );
}
