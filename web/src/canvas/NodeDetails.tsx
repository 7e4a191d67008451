/** What is known of one node: how it stands, why it failed, how it is set up. */

import { Alert } from 'antd';
import { type Diagnostic, type NodeState, type PictureNode } from '../api/types';
import { useTexts } from '../i18n';
import { StatusTag } from '../shell/parts';
import { Elapsed } from './NodeCard';

export function NodeDetails({
  node,
  state,
  diagnostics = [],
}: {
  node: PictureNode;
  state?: NodeState;
  diagnostics?: readonly Diagnostic[];
}) {
  const { t, word, time } = useTexts();
  const outcomes = [state?.outcome ?? []].flat().map((one) => word('outcome', one));
  const facts: [string, React.ReactNode][] = state
    ? [
        [t('node.status'), <StatusTag key="status" status={state.status} />],
        [t('node.outcome'), outcomes.join(', ')],
        [t('node.attempts'), state.attempts ?? ''],
        [t('node.round'), (state.round ?? 1) > 1 ? state.round : ''],
        [
          t('node.items'),
          state.items &&
            Object.entries(state.items)
              .map(([name, count]) => `${count} ${word('status', name)}`)
              .join(', '),
        ],
        [t('node.started'), time(state.started_at)],
        [t('node.ended'), time(state.ended_at)],
        [t('node.elapsed'), state.started_at ? <Elapsed key="took" state={state} /> : ''],
      ]
    : [];
  return (
    <section aria-label={node.label} className="app-node-details">
      <h2>
        {node.label}{' '}
        <span className="app-soft">
          {word('type', node.type)} · {node.id}
        </span>
      </h2>
      {state?.error && (
        <Alert
          type="error"
          showIcon
          message={state.error.name}
          description={<span className="app-prose">{state.error.message}</span>}
        />
      )}
      {state?.notes?.map((note) => (
        <Alert key={note} type="warning" showIcon message={note} />
      ))}
      {diagnostics.map((one) => (
        <Alert
          key={`${one.code} ${one.pointer} ${one.message}`}
          type={one.level}
          showIcon
          message={`${one.code}: ${one.message}`}
          description={one.help}
        />
      ))}
      <dl className="app-facts">
        {facts
          .filter(([, value]) => value !== '' && value !== undefined)
          .map(([name, value]) => (
            <div key={name} style={{ display: 'contents' }}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      {Object.keys(node.config).length > 0 && (
        <details open={state === undefined}>
          <summary>{t('node.config')}</summary>
          <pre className="app-code" tabIndex={0}>
            {JSON.stringify(node.config, null, 2)}
          </pre>
        </details>
      )}
    </section>
  );
}
