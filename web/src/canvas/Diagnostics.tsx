/** What is wrong with a design, each with its place, the walk that shows it, and what mends it. */

import { Button } from 'antd';
import type { Diagnostic, Fix } from '../api/types';
import { useTexts } from '../i18n';
import { Nothing } from '../shell/parts';

export function Diagnostics({
  found,
  shown,
  onShow,
  onPlace,
  onFix,
}: {
  found: readonly Diagnostic[];
  /** The one whose walk is on the canvas. */
  shown?: Diagnostic;
  onShow: (one: Diagnostic | undefined) => void;
  onPlace?: (one: Diagnostic) => void;
  /** What applies a fix; null: it cannot be applied now. Without it fixes are only named. */
  onFix?: (fix: Fix) => (() => void) | null;
}) {
  const { t } = useTexts();
  if (found.length === 0) return <Nothing>{t('design.sound')}</Nothing>;
  return (
    <ul className="app-list" aria-label={t('design.diagnostics')}>
      {found.map((one, index) => {
        const place = one.node ?? one.edge;
        return (
          <li key={index} data-code={one.code}>
            <span className={`app-tag app-tag--${one.level}`}>{t(`level.${one.level}`)}</span>{' '}
            <span className="app-soft" title={one.name}>
              {one.code}
            </span>{' '}
            {place !== null &&
              (onPlace ? (
                <Button type="link" size="small" onClick={() => onPlace(one)}>
                  {place}
                </Button>
              ) : (
                <code>{place}</code>
              ))}
            <div className="app-prose">{one.message}</div>
            {one.help && <div className="app-prose app-soft">{one.help}</div>}
            {one.path.length > 0 && (
              <div className="app-path">
                <Button
                  size="small"
                  type={shown === one ? 'primary' : 'default'}
                  aria-pressed={shown === one}
                  onClick={() => onShow(shown === one ? undefined : one)}
                >
                  {t('design.showPath')}
                </Button>{' '}
                <span className="app-soft">{one.path.join(' → ')}</span>
              </div>
            )}
            {one.fixes.length > 0 && <Fixes fixes={one.fixes} onFix={onFix} />}
          </li>
        );
      })}
    </ul>
  );
}

/** The titles of fixes, the likeliest first, each with a button that applies it. */
function Fixes({
  fixes,
  onFix,
}: {
  fixes: readonly Fix[];
  onFix?: (fix: Fix) => (() => void) | null;
}) {
  const { t } = useTexts();
  return (
    <ul className="app-fixes" aria-label={t('design.fixes')}>
      {fixes.map((fix, index) => {
        const apply = onFix?.(fix);
        return (
          <li key={index}>
            {onFix && (
              <Button
                size="small"
                aria-label={`${t('design.apply')}: ${fix.title}`}
                disabled={!apply}
                onClick={() => apply?.()}
              >
                {t('design.apply')}
              </Button>
            )}{' '}
            <span className="app-prose">{fix.title}</span>
            {!fix.safe && <span className="app-soft"> · {t('design.unsafe')}</span>}
          </li>
        );
      })}
    </ul>
  );
}

/** The walk to show at first: that of the first error that has one. */
export function firstPath(found: readonly Diagnostic[]): Diagnostic | undefined {
  return found.find((one) => one.level === 'error' && one.path.length > 0);
}
