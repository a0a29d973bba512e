// The page: four views on one server.

import { byId } from "./element";
import { CompareView } from "./compare";
import { LiveView } from "./live";
import { RankView } from "./rank";
import { SearchView } from "./search";
import { Server } from "./server";
import { startTabs } from "./tabs";
import { takePasted } from "./dropzone";

const server = new Server();
const compare = new CompareView(byId("compare"), server);
const rank = new RankView(byId("rank"), server);
const search = new SearchView(byId("search"), server);
const live = new LiveView(byId("live"), server);

startTabs((panel) => { if (panel !== "live") live.stop(); });
takePasted([...compare.pickers.map((picker) => picker.zone), rank.picker.zone, rank.zone, ...search.zones, live.zone]);
// A file that misses a picker must not replace the page.
for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());
void server.ask();
