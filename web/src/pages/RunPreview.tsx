/** The run that an approval belongs to, as it moves. */

import { useQuery } from '@tanstack/react-query';
import { api } from '../api/client';
import { useInngestExecutionStatus } from '../api/live';
import { WorkflowCanvas } from '../canvas/WorkflowCanvas';
import { useAppearance } from '../shell/appearance';

export default function RunPreview({ run }: { run: string }) {
  const { dark } = useAppearance();
  const { status } = useInngestExecutionStatus(run);
  const drawing = useQuery({
    queryKey: ['run-drawing', run],
    queryFn: () => api.runDrawing(run),
    staleTime: Infinity,
  });
  if (!drawing.data?.picture) return null;
  return (
    <div className="app-stage app-stage--small">
      <WorkflowCanvas picture={drawing.data.picture} status={status} dark={dark} />
    </div>
  );
}
