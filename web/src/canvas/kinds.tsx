/** How each type of node and each status looks. */

import {
  ApiOutlined,
  BellOutlined,
  BranchesOutlined,
  CheckCircleFilled,
  ClockCircleOutlined,
  CloseCircleFilled,
  CodeOutlined,
  ForkOutlined,
  HourglassOutlined,
  LoadingOutlined,
  LoginOutlined,
  MailOutlined,
  MergeCellsOutlined,
  MinusCircleOutlined,
  PauseCircleFilled,
  PlayCircleOutlined,
  ProfileOutlined,
  RetweetOutlined,
  RobotOutlined,
  SendOutlined,
  SisternodeOutlined,
  StopOutlined,
  SubnodeOutlined,
  ToolOutlined,
  UserOutlined,
} from '@ant-design/icons';
import type { NodeStatus } from '../api/types';

type Icon = typeof PlayCircleOutlined;

export const NODE_ICONS: Record<string, Icon> = {
  start: PlayCircleOutlined,
  end: StopOutlined,
  approval: UserOutlined,
  task: ToolOutlined,
  notify: BellOutlined,
  cc: MailOutlined,
  ai: RobotOutlined,
  http: ApiOutlined,
  set: CodeOutlined,
  condition: BranchesOutlined,
  inclusive: SisternodeOutlined,
  parallel: ForkOutlined,
  join: MergeCellsOutlined,
  delay: HourglassOutlined,
  wait: LoginOutlined,
  emit: SendOutlined,
  subprocess: SubnodeOutlined,
  foreach: ProfileOutlined,
  loop: RetweetOutlined,
};

export const NODE_KINDS = Object.keys(NODE_ICONS);

export const STATUS_ICONS: Record<NodeStatus, Icon> = {
  pending: ClockCircleOutlined,
  running: LoadingOutlined,
  waiting: PauseCircleFilled,
  completed: CheckCircleFilled,
  failed: CloseCircleFilled,
  skipped: MinusCircleOutlined,
  cancelled: StopOutlined,
};

/** Types that have nodes inside. */
export const CONTAINERS: ReadonlySet<string> = new Set(['foreach', 'loop']);
