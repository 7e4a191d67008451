/** The drawing itself: nodes are dragged in, moved, connected and chosen. */

import { FlowViewProvider } from '@ant-design/pro-flow';
import { type DragEvent, type KeyboardEvent, useCallback, useEffect, useMemo, useRef } from 'react';
import {
  applyNodeChanges,
  type Connection,
  type EdgeChange,
  type Node,
  type NodeChange,
  useReactFlow,
  useStoreApi,
} from 'reactflow';
import { Flow } from '../canvas/Flow';
import { spokenEdge } from '../canvas/OutcomeEdge';
import { flowEdges, flowNodes, marks } from '../canvas/picture';
import { useTexts } from '../i18n';
import { type Actions, PALETTE_TYPE } from './actions';
import type { Editing } from './useEditing';

export interface CanvasProps {
  editing: Editing;
  actions: Actions;
  /** The nodes of a walk to be shown. */
  path?: readonly string[];
  dark: boolean;
}

export function EditorCanvas(props: CanvasProps) {
  return (
    <FlowViewProvider>
      <Drawing {...props} />
    </FlowViewProvider>
  );
}

/** Whether a key was meant for a field. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest('input, textarea, select, [contenteditable="true"], .ant-select') !== null
  );
}

function Drawing({ editing, actions, path, dark }: CanvasProps) {
  const at = useTexts();
  const flow = useReactFlow();
  const store = useStoreApi();
  const area = useRef<HTMLElement>(null);
  const { picture, selection, select, diagnostics } = editing;
  const drawn = useMemo(() => marks(diagnostics, path), [diagnostics, path]);
  const chosen = useMemo(() => new Set(selection.nodes), [selection.nodes]);

  const nodes = useMemo(
    () =>
      flowNodes(picture, { marks: drawn, allHandles: true, draggable: true }).map((node) => ({
        ...node,
        selected: chosen.has(node.id),
      })),
    [picture, drawn, chosen],
  );
  const edges = useMemo(() => {
    const labels = new Map(picture.nodes.map((node) => [node.id, node.label]));
    return flowEdges(picture, { marks: drawn }).map((edge) => ({
      ...edge,
      selected: edge.id === `edge-${selection.edge}`,
      ariaLabel: spokenEdge(edge.data, labels, at),
    }));
  }, [picture, drawn, selection.edge, at]);

  const nodesChanged = useCallback(
    (changes: NodeChange[]) => {
      const moved = changes.filter((one) => one.type === 'position' && one.position !== undefined);
      if (moved.length) {
        // A drag stays within React Flow until it is over.
        const { getNodes, setNodes } = store.getState();
        setNodes(applyNodeChanges(moved, getNodes()));
        const byKey = moved.flatMap((one) =>
          one.type === 'position' && one.position && !one.dragging
            ? [{ id: one.id, position: one.position }]
            : [],
        );
        if (byKey.length) actions.move(byKey, 'keys');
      }
      const touched = new Map(
        changes.flatMap((one) => (one.type === 'select' ? [[one.id, one.selected]] : [])),
      );
      if (touched.size === 0) return;
      select((before) => {
        const left = before.nodes.filter((id) => touched.get(id) !== false);
        const added = [...touched].filter(([id, on]) => on && !left.includes(id)).map(([id]) => id);
        if (added.length === 0 && left.length === before.nodes.length) return before;
        return { nodes: [...left, ...added], edge: added.length ? null : before.edge };
      });
    },
    [store, actions, select],
  );
  const edgesChanged = useCallback(
    (changes: EdgeChange[]) => {
      for (const one of changes) {
        if (one.type !== 'select') continue;
        const index = Number(one.id.slice('edge-'.length));
        if (one.selected) select({ nodes: [], edge: index });
        else select((before) => (before.edge === index ? { ...before, edge: null } : before));
      }
    },
    [select],
  );
  const dragged = useCallback(
    (_: unknown, __: Node, all: Node[]) =>
      actions.move(all.map(({ id, position }) => ({ id, position })), 'drop'),
    [actions],
  );
  const connected = useCallback(
    ({ source, sourceHandle, target }: Connection) => {
      if (source !== null && target !== null) actions.connect(source, sourceHandle, target);
    },
    [actions],
  );
  const dropped = (event: DragEvent) => {
    const type = event.dataTransfer.getData(PALETTE_TYPE);
    if (!type) return;
    event.preventDefault();
    const { x, y } = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
    actions.addAt(type, { x: x - 80, y: y - 24 });
  };
  const pressed = (event: KeyboardEvent) => {
    if ((event.key !== 'Delete' && event.key !== 'Backspace') || isTyping(event.target)) return;
    event.preventDefault();
    actions.remove();
  };
  // Where something is put that nobody has dragged anywhere.
  useEffect(() => {
    actions.middle.current = () => {
      const box = area.current?.getBoundingClientRect();
      if (box === undefined) return { x: 0, y: 0 };
      return flow.screenToFlowPosition({
        x: box.left + box.width / 2,
        y: box.top + box.height / 2,
      });
    };
    actions.show.current = (id) => {
      const node = flow.getNode(id);
      if (node === undefined) return;
      const { x, y } = node.positionAbsolute ?? node.position;
      const { width, height, transform } = store.getState();
      const [left, top, zoom] = transform;
      const inView =
        x * zoom + left >= 0 &&
        y * zoom + top >= 0 &&
        (x + (node.width ?? 0)) * zoom + left <= width &&
        (y + (node.height ?? 0)) * zoom + top <= height;
      if (!inView) flow.setCenter(x + 80, y + 24, { zoom: Math.max(zoom, 0.6) });
    };
  }, [actions, flow, store]);

  const none = picture.nodes.length === 0;
  const flowProps = useMemo(
    () => ({
      // Without nodes FlowView would go on to show the last ones.
      ...(none ? { nodes: [], edges: [] } : {}),
      edgesFocusable: true,
      nodeDragThreshold: 3,
      connectionRadius: 28,
      onNodeDragStop: dragged,
      onConnect: connected,
    }),
    [none, dragged, connected],
  );
  const focus = picture.nodes.find((node) => node.type === 'start') ?? picture.nodes[0];
  return (
    <section
      ref={area}
      className={`pf-canvas pf-editor pf-canvas--${dark ? 'dark' : 'light'}`}
      aria-label={at.t('canvas.label', { name: picture.name })}
      data-nodes={picture.nodes.length}
      onKeyDown={pressed}
      onDragOver={(event) => {
        if (event.dataTransfer.types.includes(PALETTE_TYPE)) event.preventDefault();
      }}
      onDrop={dropped}
    >
      <Flow
        nodes={nodes}
        edges={edges}
        focus={focus}
        onNodesChange={nodesChanged}
        onEdgesChange={edgesChanged}
        flowProps={flowProps}
      />
    </section>
  );
}
