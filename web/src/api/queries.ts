/** Requests that several parts of the page make alike. */

import { useQuery } from '@tanstack/react-query';
import { api } from './client';

/** What a run is drawn as; it never changes. */
export function useRunDrawing(run: string) {
  return useQuery({
    queryKey: ['run-drawing', run],
    queryFn: () => api.runDrawing(run),
    staleTime: Infinity,
  });
}
