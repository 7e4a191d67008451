/** What people are called. */

import { useQuery } from '@tanstack/react-query';
import { useCallback } from 'react';
import { api } from '../api/client';

const MOST = 200;

/** The name of a user; of whom the table of people does not know, or who is far down in it, the id. */
export function useNames(): (user: string) => string {
  const found = useQuery({
    queryKey: ['people', 'all'],
    queryFn: () => api.people('', MOST),
    staleTime: 60_000,
  });
  const people = found.data?.items;
  return useCallback(
    (user: string) => {
      const known = people?.find((one) => one.user === user);
      return known === undefined || known.name === user ? user : `${known.name} (${user})`;
    },
    [people],
  );
}
