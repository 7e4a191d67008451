/** One edge: where it leads, by which outcome, under which rule, and how often back. */

import { Button, Input, InputNumber, Select, Switch } from 'antd';
import { useTexts } from '../i18n';
import { JsonField } from '../shell/SchemaForm';
import type { Actions } from './actions';
import type { DocumentEdge } from './document';
import { type EdgeChange, setEdge } from './edits';
import type { Json } from './json';
import { Labelled, NodeSelect, Problems } from './NodePanel';
import type { Editing } from './useEditing';

export function EdgePanel({
  editing,
  actions,
  edge,
}: {
  editing: Editing;
  actions: Actions;
  edge: DocumentEdge;
}) {
  const { t, word } = useTexts();
  const { picture, edit, types, select } = editing;
  const source = picture.nodes.find((one) => one.id === edge.source);
  const outcomes = source?.outcomes ?? [];
  const set = (change: EdgeChange, what?: string) =>
    edit(
      (before) => setEdge(before, edge.index, change),
      what === undefined ? undefined : `edge ${edge.index} ${what}`,
    );
  const ruled = types.get(source?.type ?? '')?.rules ?? false;
  const back = picture.edges.find((one) => one.id === `edge-${edge.index}`)?.back ?? false;
  const named = edge.handle !== null && !outcomes.includes(edge.handle) ? [edge.handle] : [];
  const ends = `${source?.label ?? edge.source} → ${
    picture.nodes.find((one) => one.id === edge.target)?.label ?? edge.target
  }`;
  return (
    <section className="app-form" aria-label={`${t('edit.edge')} ${ends}`}>
      <h2>
        {t('edit.edge')} <span className="app-soft">{edge.key}</span>
      </h2>
      <div>
        {t('edit.source')}{' '}
        <Button type="link" size="small" onClick={() => select({ nodes: [edge.source], edge: null })}>
          {source?.label ?? edge.source}
        </Button>
      </div>
      <Labelled label={t('edit.target')}>
        {(id) => (
          <NodeSelect
            id={id}
            nodes={picture.nodes.filter((one) => one.type !== 'start')}
            value={edge.target}
            onChange={(target) => set({ target })}
          />
        )}
      </Labelled>
      <Labelled label={t('edit.label')}>
        {(id) => (
          <Input
            id={id}
            value={edge.label}
            onChange={(event) => set({ label: event.target.value }, 'label')}
          />
        )}
      </Labelled>
      {outcomes.length + named.length > 1 && (
        <Labelled label={t('edit.outcome')}>
          {(id) => (
            <Select
              id={id}
              style={{ width: '100%' }}
              value={edge.handle ?? ''}
              onChange={(handle: string) => set({ handle: handle || null })}
              options={[
                { value: '', label: `${word('outcome', outcomes[0] ?? 'default')} (${t('edit.usual')})` },
                ...[...outcomes, ...named].map((one) => ({
                  value: one,
                  label: word('outcome', one),
                })),
              ]}
            />
          )}
        </Labelled>
      )}
      {edge.condition === undefined ? (
        <Labelled label={t('edit.when')}>
          {(id) => (
            <Input.TextArea
              id={id}
              className="app-paste"
              autoSize={{ minRows: 1, maxRows: 8 }}
              spellCheck={false}
              value={edge.when}
              onChange={(event) => set({ when: event.target.value }, 'when')}
            />
          )}
        </Labelled>
      ) : (
        <Labelled label={t('edit.condition')}>
          {(id) => (
            <JsonField
              id={id}
              name={t('edit.condition')}
              value={edge.condition}
              onChange={(next) => set({ condition: next as Json | undefined }, 'condition')}
            />
          )}
        </Labelled>
      )}
      {(ruled || edge.isDefault) && (
        <Labelled label={t('edit.default')}>
          {(id) => (
            <Switch id={id} checked={edge.isDefault} onChange={(isDefault) => set({ isDefault })} />
          )}
        </Labelled>
      )}
      {(ruled || edge.priority !== null) && (
        <Labelled label={t('edit.priority')}>
          {(id) => (
            <InputNumber
              id={id}
              value={edge.priority}
              onChange={(priority) => set({ priority }, 'priority')}
            />
          )}
        </Labelled>
      )}
      <Labelled label={t('edit.loopMax')}>
        {(id) => (
          <InputNumber
            id={id}
            min={1}
            precision={0}
            placeholder={back ? String(types.places.returns) : undefined}
            value={edge.loopMax}
            onChange={(loopMax) => set({ loopMax }, 'loop')}
          />
        )}
      </Labelled>
      <Problems found={editing.diagnostics.filter((one) => one.edge === edge.key)} />
      <div>
        <Button danger onClick={actions.remove}>
          {t('edit.remove')}
        </Button>
      </div>
    </section>
  );
}
