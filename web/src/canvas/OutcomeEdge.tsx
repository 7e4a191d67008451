/** An edge on the canvas: its outcome, and whether a run went along it. */

import { memo } from 'react';
import { BaseEdge, EdgeLabelRenderer, type EdgeProps, getSmoothStepPath } from 'reactflow';
import type { PictureEdge } from '../api/types';
import { type Texts, useTexts } from '../i18n';
import type { CanvasEdgeData } from './picture';

/** How far below the lowest of its ends an edge turns that leads back. */
const BELOW = 56;
/** Between the turns of edges that leave one node, and between labels of edges side by side. */
const LANE = 12;
const LABEL_HEIGHT = 19;

function backPath(
  { sourceX, sourceY, targetX, targetY }: Pick<EdgeProps, 'sourceX' | 'sourceY' | 'targetX' | 'targetY'>,
): [string, number, number] {
  const low = Math.max(sourceY, targetY) + BELOW;
  const [right, left] = [sourceX + 18, targetX - 18];
  const path = [
    `M ${sourceX} ${sourceY}`,
    `H ${right - 8} Q ${right} ${sourceY} ${right} ${sourceY + 8}`,
    `V ${low - 8} Q ${right} ${low} ${right - 8} ${low}`,
    `H ${left + 8} Q ${left} ${low} ${left} ${low - 8}`,
    `V ${targetY + 8} Q ${left} ${targetY} ${left + 8} ${targetY}`,
    `H ${targetX}`,
  ].join(' ');
  return [path, (left + right) / 2, low];
}

/** Where an edge turns: edges of one node beside each other, as far as there is room. */
function turn(sourceX: number, targetX: number, lane: readonly [number, number] = [0, 1]): number {
  const [index, count] = lane;
  const room = Math.max(0, targetX - sourceX - 40) / Math.max(1, count - 1);
  return (sourceX + targetX) / 2 + (index - (count - 1) / 2) * Math.min(LANE, room);
}

/** What is written on an edge: by which outcome it leaves, and how often it may lead back. */
function written({ label }: PictureEdge, word: Texts['word']): string {
  const [outcome = '', ...bound] = (label ?? '').split(/(?= ≤ \d+×$)/);
  return word('outcome', outcome) + bound.join('');
}

function OutcomeEdgeView(props: EdgeProps<CanvasEdgeData>) {
  const { t, word } = useTexts();
  const { id, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, data } = props;
  const edge = data?.edge;
  const back = targetX <= sourceX;
  const [path, labelX, labelY] = back
    ? backPath(props)
    : getSmoothStepPath({
        sourceX,
        sourceY,
        targetX,
        targetY,
        sourcePosition,
        targetPosition,
        centerX: turn(sourceX, targetX, data?.lane),
      });
  const name = [
    'pf-edge',
    data?.state ? `pf-edge--${data.state}` : '',
    data?.level ? `pf-edge--${data.level}` : '',
    data?.onPath ? 'pf-edge--path' : '',
    edge?.error ? 'pf-edge--failure' : '',
    edge?.back ? 'pf-edge--back' : '',
    props.selected ? 'pf-edge--selected' : '',
  ];
  const classes = name.filter(Boolean).join(' ');
  const label = edge ? written(edge, word) : '';
  const state =
    data?.state === 'taken' ? t('canvas.taken') : data?.state === 'skipped' ? t('canvas.notTaken') : '';
  return (
    <g className={classes} data-edge={edge?.key ?? id} data-state={data?.state}>
      <BaseEdge id={id} path={path} markerEnd={props.markerEnd} interactionWidth={16} />
      <path className="pf-arrow" d={`M ${targetX - 7} ${targetY - 4} L ${targetX} ${targetY} L ${targetX - 7} ${targetY + 4}`} />
      {label && (
        <EdgeLabelRenderer>
          <div
            className={`pf-edge-label ${classes}`}
            style={{ transform: `translate(-50%, -50%) translate(${labelX}px, ${labelY + (data?.twin ?? 0) * LABEL_HEIGHT}px)` }}
            title={state || undefined}
          >
            {label}
          </div>
        </EdgeLabelRenderer>
      )}
    </g>
  );
}

/** An edge, to somebody who cannot see it. */
export function spokenEdge(
  { edge, state }: CanvasEdgeData,
  labels: ReadonlyMap<string, string>,
  { t, word }: Texts,
): string {
  const said = [
    written(edge, word),
    state === 'taken' ? t('canvas.taken') : state === 'skipped' ? t('canvas.notTaken') : '',
  ];
  const ends = `${labels.get(edge.source) ?? edge.source} → ${labels.get(edge.target) ?? edge.target}`;
  return [ends, ...said.filter(Boolean)].join(', ');
}

export const OutcomeEdge = memo(
  OutcomeEdgeView,
  (one, other) =>
    one.sourceX === other.sourceX &&
    one.sourceY === other.sourceY &&
    one.targetX === other.targetX &&
    one.targetY === other.targetY &&
    one.selected === other.selected &&
    one.data?.edge === other.data?.edge &&
    one.data?.state === other.data?.state &&
    one.data?.level === other.data?.level &&
    one.data?.onPath === other.data?.onPath,
);
