// What libjpeg-turbo's build writes.
#define JVERSION "2.1.5"
#define JCOPYRIGHT1 ""
#define JCOPYRIGHT2 ""
#define JCOPYRIGHT ""
#define JCOPYRIGHT_SHORT ""
