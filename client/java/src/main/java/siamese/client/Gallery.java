package siamese.client;

import java.time.Instant;

/**
 * What is told of a gallery: pictures of things that the server keeps under a name, as embeddings of
 * one model.
 *
 * @param name its name
 * @param model the name by which calls ask for its model, such as "general"
 * @param reference the model whose embeddings are searched; with its digest alone where the server
 *     has another one of that name now, which {@link Galleries#reindex(String)} mends
 * @param entries how many entries there are, those of other models included
 * @param staleEntries how many of them are of another model: they are not found
 * @param keepPictures whether entries keep the bytes of their pictures, so that a reindex can encode
 *     them
 * @param keepThumbnails whether entries keep thumbnails: JPEG, the longer side 160 pixels
 * @param created when it was made
 * @param reindexing whether a reindex is under way
 */
public record Gallery(
    String name,
    String model,
    ModelReference reference,
    long entries,
    long staleEntries,
    boolean keepPictures,
    boolean keepThumbnails,
    Instant created,
    boolean reindexing) {}
