/** How each type of node and each status looks: types as the service describes them. */

import {
  CheckCircleFilled,
  ClockCircleOutlined,
  CloseCircleFilled,
  LoadingOutlined,
  MinusCircleOutlined,
  PauseCircleFilled,
  StopOutlined,
} from '@ant-design/icons';
import { useSyncExternalStore } from 'react';
import type { NodeStatus, NodeTypeInfo } from '../api/types';
import { type Icon, iconNamed } from './icons';
import BUILT_IN from './node-types.json';

/** What a canvas shows of a type. */
export type NodeKind = Pick<NodeTypeInfo, 'type' | 'title' | 'icon' | 'shape' | 'category' | 'container'>;

/** The built-in types, and those that the service has told of: a host may have its own. */
let kinds: ReadonlyMap<string, NodeKind> = new Map(
  (BUILT_IN as NodeKind[]).map((one) => [one.type, one]),
);
const watching = new Set<() => void>();

/** Take over what the service says of types. */
export function learnKinds(told: readonly NodeKind[]): void {
  kinds = new Map([...kinds, ...told.map((one) => [one.type, one] as const)]);
  for (const changed of watching) changed();
}

export const kindOf = (type: string): NodeKind | undefined => kinds.get(type);

/** The types that are known; a component that calls this is drawn anew when there are more. */
export function useKinds(): ReadonlyMap<string, NodeKind> {
  return useSyncExternalStore(watch, known, known);
}

const known = () => kinds;

function watch(changed: () => void): () => void {
  watching.add(changed);
  return () => watching.delete(changed);
}

/** The icon of a type; that of a task for one that nothing is known of. */
export const iconOf = (type: string): Icon => iconNamed(kindOf(type)?.icon);

/** Whether nodes of a type have nodes inside. */
export const holdsNodes = (type: string): boolean => kindOf(type)?.container ?? false;

export const STATUS_ICONS: Record<NodeStatus, Icon> = {
  pending: ClockCircleOutlined,
  running: LoadingOutlined,
  waiting: PauseCircleFilled,
  completed: CheckCircleFilled,
  failed: CloseCircleFilled,
  skipped: MinusCircleOutlined,
  cancelled: StopOutlined,
};
