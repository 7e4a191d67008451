/** A node on the canvas: its type, its label, its ways out, and how it stands in a run. */

import { memo, useEffect, useState } from 'react';
import { Handle, type NodeProps, Position } from 'reactflow';
import { OPEN_STATUSES, type NodeState, type PictureNode } from '../api/types';
import { duration, type Texts, useTexts } from '../i18n';
import { iconNamed } from './icons';
import { STATUS_ICONS, useKinds } from './kinds';
import type { CanvasNodeData } from './picture';

function statusText(state: NodeState, { t, word }: Texts): string {
  const outcomes = [state.outcome ?? []].flat().filter((one) => one !== 'default');
  const said = outcomes.map((one) => word('outcome', one)).join(', ');
  return [
    said && state.status === 'completed' ? said : word('status', state.status),
    (state.attempts ?? 1) > 1 ? t('canvas.attempts', { count: state.attempts ?? 1 }) : '',
    (state.round ?? 1) > 1 ? t('canvas.round', { count: state.round ?? 1 }) : '',
  ]
    .filter(Boolean)
    .join(' · ');
}

/** What decides how a run moves: the mode that a join names, that an end stops the run. */
export function settingText({ type, config }: PictureNode, { t, word }: Texts): string {
  if (type === 'join' && config.mode != null) return word('choice', String(config.mode));
  if (type !== 'end') return '';
  return config.fail === true ? t('canvas.fails') : config.terminate === true ? t('canvas.stops') : '';
}

function itemsText(items: NonNullable<NodeState['items']>, { word }: Texts): string {
  return Object.entries(items)
    .map(([status, count]) => `${count} ${word('status', status)}`)
    .join(', ');
}

/** How long a node has taken, counting while it goes on. */
export function Elapsed({ state }: { state: NodeState }) {
  const going = OPEN_STATUSES.includes(state.status) && !!state.started_at;
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!going) return undefined;
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, [going]);
  if (!state.started_at) return null;
  const end = state.ended_at ? Date.parse(state.ended_at) : going ? now : undefined;
  if (end === undefined) return null;
  return <span className="pf-elapsed">{duration(end - Date.parse(state.started_at))}</span>;
}

function Handles({ data }: { data: CanvasNodeData }) {
  const { word } = useTexts();
  const many = data.handles.length;
  return (
    <>
      {data.node.type !== 'start' && (
        <Handle type="target" position={Position.Left} className="pf-handle" />
      )}
      {data.handles.map((name, index) => (
        <Handle
          key={name}
          id={name}
          type="source"
          position={Position.Right}
          className={`pf-handle pf-handle--${name === 'error' || name === 'rejected' ? 'bad' : 'out'}`}
          style={many > 1 ? { top: `${((index + 1) * 100) / (many + 1)}%` } : undefined}
          title={word('outcome', name)}
          aria-hidden
        />
      ))}
    </>
  );
}

function NodeCardView({ data, selected }: NodeProps<CanvasNodeData>) {
  const at = useTexts();
  const { node, status, level, problems, onPath, container } = data;
  const kind = useKinds().get(node.type);
  const Icon = iconNamed(kind?.icon);
  const StatusIcon = status && STATUS_ICONS[status.status];
  const setting = settingText(node, at);
  const name = [
    'pf-node',
    container ? 'pf-node--container' : `pf-node--${kind?.shape ?? 'work'}`,
    node.type === 'end' && setting ? 'pf-node--stops' : '',
    status ? `pf-node--${status.status}` : '',
    level ? `pf-node--${level}` : '',
    onPath ? 'pf-node--path' : '',
    selected ? 'pf-node--selected' : '',
  ];
  return (
    <div className={name.filter(Boolean).join(' ')} data-node={node.id} data-status={status?.status}>
      <Handles data={data} />
      <span className="pf-node-icon" aria-hidden>
        <Icon />
      </span>
      <span className="pf-node-text">
        <span className="pf-node-label">{node.label}</span>
        {status && (
          <span className="pf-hidden">
            {[at.word('type', node.type), setting].filter(Boolean).join(' · ')}
          </span>
        )}
        <span className="pf-node-detail">
          {status && StatusIcon ? (
            <>
              <StatusIcon className="pf-node-status" aria-hidden />{' '}
              {status.items ? itemsText(status.items, at) : statusText(status, at)}{' '}
              <Elapsed state={status} />
            </>
          ) : (
            [at.word('type', node.type), setting].filter(Boolean).join(' · ')
          )}
        </span>
      </span>
      {problems > 0 && (
        <span className={`pf-badge pf-badge--${level}`} title={at.t('canvas.problems', { count: problems })}>
          {problems}
          <span className="pf-hidden">{at.t('canvas.problems', { count: problems })}</span>
        </span>
      )}
    </div>
  );
}

const sameState = (one: NodeState | undefined, other: NodeState | undefined) =>
  one === other || JSON.stringify(one) === JSON.stringify(other);

/** FlowView makes new `data` for every node at every change: what matters is what is in it. */
export const NodeCard = memo(NodeCardView, (one, other) => {
  const before = one.data;
  const after = other.data;
  return (
    one.selected === other.selected &&
    before.node === after.node &&
    before.level === after.level &&
    before.problems === after.problems &&
    before.onPath === after.onPath &&
    before.handles.join('\n') === after.handles.join('\n') &&
    sameState(before.status, after.status)
  );
});
