/** The run that an approval belongs to, as it moves. */

import { useInngestExecutionStatus } from '../api/live';
import { useRunDrawing } from '../api/queries';
import { WorkflowCanvas } from '../canvas/WorkflowCanvas';
import { useAppearance } from '../shell/appearance';

export default function RunPreview({ run }: { run: string }) {
  const { dark } = useAppearance();
  const { status } = useInngestExecutionStatus(run);
  const drawing = useRunDrawing(run);
  if (!drawing.data?.picture) return null;
  return (
    <div className="app-stage app-stage--small">
      <WorkflowCanvas picture={drawing.data.picture} status={status} dark={dark} />
    </div>
  );
}
