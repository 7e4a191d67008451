/** All types of nodes, to be dragged in or added by keyboard. */

import { memo } from 'react';
import type { NodeTypeInfo } from '../api/types';
import { NODE_ICONS } from '../canvas/kinds';
import { useTexts } from '../i18n';
import { PALETTE_TYPE } from './actions';

export const Palette = memo(function Palette({
  types,
  onAdd,
}: {
  types: readonly NodeTypeInfo[];
  onAdd: (type: string) => void;
}) {
  const { t, word } = useTexts();
  return (
    <nav className="app-card pf-palette" aria-label={t('edit.palette')}>
      <p className="app-soft app-note">{t('edit.paletteHelp')}</p>
      <ul>
        {types.map(({ type, config }) => {
          const Icon = NODE_ICONS[type] ?? NODE_ICONS.task!;
          return (
            <li key={type}>
              <button
                type="button"
                draggable
                title={config.description}
                data-type={type}
                onDragStart={(event) => {
                  event.dataTransfer.setData(PALETTE_TYPE, type);
                  event.dataTransfer.effectAllowed = 'copy';
                }}
                onClick={() => onAdd(type)}
              >
                <Icon aria-hidden /> {word('type', type)}
              </button>
            </li>
          );
        })}
      </ul>
    </nav>
  );
});
