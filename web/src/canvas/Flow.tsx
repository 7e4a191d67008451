/** ProFlow's FlowView with our nodes and edges, as the canvas and the editor show it. */

import { CompressOutlined, ZoomInOutlined, ZoomOutOutlined } from '@ant-design/icons';
import { FlowView, type FlowViewProps } from '@ant-design/pro-flow';
import { type ComponentProps, useEffect, useRef } from 'react';
import {
  Background,
  type ConnectionLineType,
  Panel,
  useNodesInitialized,
  useReactFlow,
} from 'reactflow';
import type { PictureNode } from '../api/types';
import { useTexts } from '../i18n';
import { NodeCard } from './NodeCard';
import { OutcomeEdge } from './OutcomeEdge';
import { NODE } from './picture';

const NODE_TYPES = { [NODE]: NodeCard };
const EDGE_TYPES = { outcome: OutcomeEdge };
/** From so many nodes on only those in view are drawn. */
const MANY = 300;
/** Below this zoom no label can be read. */
const READABLE = 0.42;
const FIT = { maxZoom: 1, padding: 0.08 };

function CanvasControls() {
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

/** A drawing that would be too small to be read is shown in part at first. */
function FirstView({ focus }: { focus: PictureNode | undefined }) {
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

/** `focus`: the node at which one begins to look, where not all can be read at once. */
export function Flow({
  focus,
  flowProps,
  children,
  ...view
}: FlowViewProps & {
  focus: PictureNode | undefined;
  flowProps?: Partial<ComponentProps<typeof FlowView>['flowProps']>;
}) {
  return (
    <FlowView
      {...view}
      nodeTypes={NODE_TYPES}
      edgeTypes={EDGE_TYPES}
      autoLayout={false}
      miniMap={false}
      background={false}
      minZoom={0.02}
      flowProps={{
        deleteKeyCode: null,
        onlyRenderVisibleElements: view.nodes.length > MANY,
        fitViewOptions: FIT,
        proOptions: { hideAttribution: true },
        connectionLineType: 'smoothstep' as ConnectionLineType,
        ...flowProps,
      }}
    >
      <Background gap={16} color="var(--pf-dots)" />
      <CanvasControls />
      <FirstView focus={focus} />
      {children}
    </FlowView>
  );
}
