/** A design on a canvas, with the status of a run if there is one. */

import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { type NodeChange, Panel, type ReactFlowProps } from 'reactflow';
import { api } from '../api/client';
import type { Diagnostic, ExecutionStatus, Picture } from '../api/types';
import { useTexts } from '../i18n';
import './canvas.css';
import './colours.css';
import { Flow } from './Flow';
import { learnKinds, STATUS_ICONS, useKinds } from './kinds';
import { spokenEdge } from './OutcomeEdge';
import { flowEdges, flowNodes, marks } from './picture';

const FOCUS: readonly string[] = ['running', 'waiting', 'failed'];

export interface WorkflowCanvasProps {
  /** A design as a canvas saves it; the service says where its nodes go. */
  design?: unknown;
  /** Instead of a design: where everything goes, as the service has said. */
  picture?: Picture;
  status?: ExecutionStatus;
  diagnostics?: readonly Diagnostic[];
  /** The nodes of a walk to be shown. */
  path?: readonly string[];
  /** A node is clicked, or chosen by keyboard. */
  onNodeClick?: (node: string) => void;
  selected?: string;
  onEdgeClick?: (edge: string) => void;
  dark?: boolean;
  /** Further props of the React Flow below; `children` are drawn within it. */
  flow?: Partial<ReactFlowProps>;
  children?: ReactNode;
}

/** The picture of a design, asked for whenever that changes. */
function usePicture(design: unknown, given: Picture | undefined): Picture | undefined {
  const [drawn, setDrawn] = useState<Picture>();
  useEffect(() => {
    if (given !== undefined || design === undefined) return undefined;
    const asking = new AbortController();
    api.draw(design, asking.signal).then(
      (found) => setDrawn(found.picture ?? undefined),
      () => setDrawn(undefined),
    );
    return () => asking.abort();
  }, [design, given]);
  return given ?? drawn;
}

let asked: Promise<void> | undefined;

/** Ask for what a host's own types look like, once, when one of them is drawn. */
function useHostsKinds(picture: Picture | undefined): void {
  const kinds = useKinds();
  const unknown = picture?.nodes.some((one) => !kinds.has(one.type)) ?? false;
  useEffect(() => {
    if (!unknown) return;
    asked ??= api.nodeTypes().then(learnKinds, () => {
      asked = undefined;
    });
  }, [unknown]);
}

/** Where one begins to look: at what goes on, or at what is wrong, else at the start. */
function focusOf(picture: Picture, status: ExecutionStatus | undefined, path: readonly string[]) {
  const states = Object.entries(status?.nodes ?? {});
  const going = states.filter(([, one]) => FOCUS.includes(one.status)).map(([id]) => id);
  const wanted = new Set([...going, ...path]);
  const { nodes } = picture;
  return (
    nodes.find((one) => wanted.has(one.id)) ?? nodes.find((one) => one.type === 'start') ?? nodes[0]
  );
}

function Legend({ status }: { status: ExecutionStatus }) {
  const { word } = useTexts();
  const counts = new Map<string, number>();
  for (const state of Object.values(status.nodes)) {
    counts.set(state.status, (counts.get(state.status) ?? 0) + 1);
  }
  return (
    <Panel position="top-right" className="pf-legend">
      {Object.entries(STATUS_ICONS).map(([name, Icon]) =>
        counts.has(name) ? (
          <span key={name} className={`pf-legend-entry pf-node--${name}`}>
            <Icon className="pf-node-status" spin={false} aria-hidden /> {word('status', name)} {counts.get(name)}
          </span>
        ) : null,
      )}
    </Panel>
  );
}

/** A design, drawn by ProFlow's FlowView with nodes of our own. */
export function WorkflowCanvas(props: WorkflowCanvasProps) {
  const { status, diagnostics = NOTHING, path = NO_PATH, dark = false } = props;
  const at = useTexts();
  const picture = usePicture(props.design, props.picture);
  useHostsKinds(picture);
  const drawn = useMemo(() => marks(diagnostics, path), [diagnostics, path]);
  const nodes = useMemo(
    () =>
      picture === undefined
        ? []
        : flowNodes(picture, { status, marks: drawn }).map((node) => ({
            ...node,
            selected: node.id === props.selected,
          })),
    [picture, status, drawn, props.selected],
  );
  const edges = useMemo(() => {
    if (picture === undefined) return [];
    const labels = new Map(picture.nodes.map((node) => [node.id, node.label]));
    return flowEdges(picture, { status, marks: drawn }).map((edge) => ({
      ...edge,
      ariaLabel: spokenEdge(edge.data, labels, at),
    }));
  }, [picture, status, drawn, at]);
  // Both a click and the Enter key choose a node.
  const changed = (changes: NodeChange[]) => {
    for (const one of changes) {
      if (one.type === 'select' && one.selected) props.onNodeClick?.(one.id);
    }
  };
  if (picture === undefined) return <div className="pf-canvas" aria-busy="true" />;
  return (
    <section
      className={`pf-canvas pf-canvas--${dark ? 'dark' : 'light'}`}
      aria-label={at.t('canvas.label', { name: picture.name })}
      data-nodes={picture.nodes.length}
    >
      <Flow
        key={picture.id}
        nodes={nodes}
        edges={edges}
        focus={focusOf(picture, status, path)}
        onNodesChange={changed}
        onEdgeClick={(_, edge) => {
          const key = (edge.data as { edge?: { key: string | null } } | undefined)?.edge?.key;
          if (key != null) props.onEdgeClick?.(key);
        }}
        flowProps={{
          nodesDraggable: false,
          nodesConnectable: false,
          edgesFocusable: false,
          ...props.flow,
        }}
      >
        {status && <Legend status={status} />}
        {props.children}
      </Flow>
    </section>
  );
}

const NOTHING: readonly Diagnostic[] = [];
const NO_PATH: readonly string[] = [];
