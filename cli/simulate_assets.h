/* simulate_assets.h - the report's page and its plotting library, as text. */
#ifndef CLI_SIMULATE_ASSETS_H
#define CLI_SIMULATE_ASSETS_H

extern const char cli_asset_page[];       /* cli/simulate.html */
extern const char cli_asset_dygraph_js[]; /* dygraphs, of Debian's libjs-dygraphs */
extern const char cli_asset_dygraph_css[];

#endif
