/** The node types of the service: asked for once, and told to all that draw nodes. */

import { api } from '../api/client';
import { learnKinds } from '../canvas/kinds';
import { NodeTypes } from '../editor/document';

export const NODE_TYPES_QUERY = {
  queryKey: ['node-types'],
  queryFn: async () => {
    const [all, places] = await Promise.all([api.nodeTypes(), api.drawingKeys()]);
    learnKinds(all);
    return new NodeTypes(all, places);
  },
  staleTime: Infinity,
  structuralSharing: false,
};
