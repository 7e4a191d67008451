/** A design on a canvas, with the status of a run if there is one. */

import { CompressOutlined, ZoomInOutlined, ZoomOutOutlined } from '@ant-design/icons';
import { FlowView } from '@ant-design/pro-flow';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import {
  Background,
  type ConnectionLineType,
  type NodeChange,
  Panel,
  type ReactFlowProps,
  useNodesInitialized,
  useReactFlow,
} from 'reactflow';
import { api } from '../api/client';
import type { Diagnostic, ExecutionStatus, Picture, PictureNode } from '../api/types';
import { useTexts } from '../i18n';
import './canvas.css';
import './colours.css';
import { NODE_KINDS, STATUS_ICONS } from './kinds';
import { NodeCard } from './NodeCard';
import { OutcomeEdge, spokenEdge } from './OutcomeEdge';
import { flowEdges, flowNodes, marks } from './picture';

export const NODE_TYPES = Object.fromEntries(NODE_KINDS.map((kind) => [kind, NodeCard]));
export const EDGE_TYPES = { outcome: OutcomeEdge };
/** From so many nodes on only those in view are drawn. */
const MANY = 300;
/** Below this zoom no label can be read. */
const READABLE = 0.42;
export const FIT = { maxZoom: 1, padding: 0.08 };
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

export function CanvasControls() {
  const { t } = useTexts();
  const flow = useReactFlow();
  return (
    <Panel position="bottom-left" className="pf-controls">
      <button type="button" aria-label={t('canvas.zoomIn')} onClick={() => flow.zoomIn()}>
        <ZoomInOutlined />
      </button>
      <button type="button" aria-label={t('canvas.zoomOut')} onClick={() => flow.zoomOut()}>
        <ZoomOutOutlined />
      </button>
      <button type="button" aria-label={t('canvas.fit')} onClick={() => flow.fitView(FIT)}>
        <CompressOutlined />
      </button>
    </Panel>
  );
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

/** A drawing that would be too small to be read is shown in part at first. */
export function FirstView({ focus }: { focus: PictureNode | undefined }) {
  const flow = useReactFlow();
  const ready = useNodesInitialized();
  const done = useRef(false);
  useEffect(() => {
    if (!ready || done.current || focus === undefined) return;
    done.current = true;
    flow.fitView(FIT);
    if (flow.getZoom() >= READABLE) return;
    const at = flow.getNode(focus.id);
    if (at === undefined) return;
    const { x, y } = at.positionAbsolute ?? at.position;
    flow.setCenter(x + focus.width, y + focus.height / 2, { zoom: 0.75 });
  }, [ready, focus, flow]);
  return null;
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
      <FlowView
        key={picture.id}
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        autoLayout={false}
        miniMap={false}
        background={false}
        minZoom={0.02}
        onNodesChange={changed}
        onEdgeClick={(_, edge) => {
          const key = (edge.data as { edge?: { key: string | null } } | undefined)?.edge?.key;
          if (key != null) props.onEdgeClick?.(key);
        }}
        flowProps={{
          nodesDraggable: false,
          nodesConnectable: false,
          edgesFocusable: false,
          deleteKeyCode: null,
          onlyRenderVisibleElements: picture.nodes.length > MANY,
          fitViewOptions: FIT,
          proOptions: { hideAttribution: true },
          connectionLineType: 'smoothstep' as ConnectionLineType,
          ...props.flow,
        }}
      >
        <Background gap={16} color="var(--pf-dots)" />
        <CanvasControls />
        <FirstView focus={focusOf(picture, status, path)} />
        {status && <Legend status={status} />}
        {props.children}
      </FlowView>
    </section>
  );
}

const NOTHING: readonly Diagnostic[] = [];
const NO_PATH: readonly string[] = [];
